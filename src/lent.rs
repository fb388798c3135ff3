//! Taking a value out of a cell for the length of a call.

use std::cell::RefCell;

/// A value taken out of a cell. It goes back when this is dropped, however the call ends: by a result, an
/// error or an abandoned future. No borrow of the cell is held meanwhile.
pub(crate) struct Lent<'a, T> {
    cell: &'a RefCell<Option<T>>,
    value: Option<T>,
}

impl<'a, T> Lent<'a, T> {
    /// Takes what the cell holds, if anything.
    pub(crate) fn from(cell: &'a RefCell<Option<T>>) -> Self {
        Self {
            value: cell.take(),
            cell,
        }
    }

    /// The value, if the cell held one.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        *self.cell.borrow_mut() = self.value.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(cell: &RefCell<Option<u8>>) -> Result<(), String> {
        let lent = Lent::from(cell);
        assert_eq!((lent.get(), *cell.borrow()), (Some(&7), None));
        Err::<(), _>("it fails".to_owned())?;
        Ok(())
    }

    #[test]
    fn a_value_goes_back_when_a_call_fails() {
        let cell = RefCell::new(Some(7));
        assert!(fail(&cell).is_err());
        assert_eq!(*cell.borrow(), Some(7));

        let empty = RefCell::new(None::<u8>);
        assert!(Lent::from(&empty).get().is_none());
        assert!(empty.borrow().is_none());
    }
}
