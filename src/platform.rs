//! What the program and the page do differently, below everything else.

/// Lets a browser's worker take its messages before the next piece of long work: ends its task and goes on
/// in another one. Elsewhere nothing waits.
pub async fn yield_now() {
    #[cfg(target_family = "wasm")]
    next_task().await;
}

#[cfg(target_family = "wasm")]
async fn next_task() {
    use js_sys::{Function, Promise, Reflect};
    let promise = Promise::new(&mut |resolve, _| {
        let global = js_sys::global();
        // Windows and workers both have it; without it there is nothing to wait for.
        match Reflect::get(&global, &"setTimeout".into()).map(Function::from) {
            Ok(set_timeout) => drop(set_timeout.call2(&global, &resolve, &0.into())),
            Err(_) => drop(resolve.call0(&global)),
        }
    });
    // A timer does not fail.
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
