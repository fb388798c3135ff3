//! `serve`: serves the page on this machine, without Node.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// How many further ports are tried if one is in use.
const FURTHER_PORTS: u16 = 20;

/// Serve the page on this machine
#[derive(clap::Args)]
pub struct Args {
    /// Port to listen on; if it is in use, the next free one is used; 0 means any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to listen on; 0.0.0.0 also accepts connections from other machines
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Folder that holds www and pkg [default: the nearest one above the current folder or the program]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Serves until Ctrl-C.
pub fn run(args: Args) -> Result<()> {
    let root = root(args.dir.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = listen(args.host, args.port).await?;
        let address = listener.local_addr()?;
        eprintln!("serving {}; press Ctrl-C to stop", root.display());
        let mut out = std::io::stdout();
        writeln!(out, "{}", url(address))?;
        out.flush()?;
        axum::serve(listener, router(&root))
            .await
            .context("the server stopped")
    })
}

/// `/` is www, `/pkg` is pkg. Browsers must revalidate what they cache: files change when they are
/// rebuilt.
fn router(root: &Path) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    // ServeDir serves WebAssembly as application/wasm, which browsers require for streaming.
    Router::new()
        .nest_service("/pkg", ServeDir::new(root.join("pkg")))
        .fallback_service(ServeDir::new(root.join("www")))
        .layer(header(header::CACHE_CONTROL, "no-cache"))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

async fn listen(host: IpAddr, port: u16) -> Result<TcpListener> {
    let last = port.saturating_add(FURTHER_PORTS);
    for next in port..=last {
        match TcpListener::bind((host, next)).await {
            Ok(listener) => {
                if next != port {
                    eprintln!(
                        "port {port} is in use: using {}",
                        listener.local_addr()?.port()
                    );
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on {host} port {next}"));
            }
        }
    }
    bail!("ports {port} to {last} of {host} are all in use; choose a free one with --port")
}

/// The URL to open in a browser. An address that stands for all interfaces is reached here as localhost.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}/", address.port())
    } else {
        format!("http://{address}/")
    }
}

/// The folder that holds the page.
fn root(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        ensure!(
            is_root(named),
            "expected www/index.html and a folder pkg in {}, but they are not there",
            named.display()
        );
        return Ok(named.to_path_buf());
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = starts.iter().flatten().flat_map(|start| start.ancestors());
    above
        .map(Path::to_path_buf)
        .find(|folder| is_root(folder))
        .context(
            "expected www/index.html and a folder pkg in the current folder, above it or above the \
             program; name the folder that holds them with --dir",
        )
}

fn is_root(folder: &Path) -> bool {
    folder.join("www/index.html").is_file() && folder.join("pkg").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_can_be_opened() {
        assert_eq!(
            url("127.0.0.1:8080".parse().unwrap()),
            "http://127.0.0.1:8080/"
        );
        assert_eq!(url("0.0.0.0:81".parse().unwrap()), "http://localhost:81/");
        assert_eq!(url("[::1]:81".parse().unwrap()), "http://[::1]:81/");
    }

    #[test]
    fn a_named_folder_must_hold_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let message = root(Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("www/index.html"), "{message}");
        std::fs::create_dir_all(folder.path().join("www")).unwrap();
        std::fs::create_dir_all(folder.path().join("pkg")).unwrap();
        std::fs::write(folder.path().join("www/index.html"), "").unwrap();
        assert_eq!(root(Some(folder.path())).unwrap(), folder.path());
    }

    #[test]
    fn a_taken_port_gives_way_to_the_next() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        runtime.block_on(async {
            let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let first = listen(host, 0).await.unwrap();
            let taken = first.local_addr().unwrap().port();
            if taken < u16::MAX - FURTHER_PORTS {
                let second = listen(host, taken).await.unwrap();
                assert!(second.local_addr().unwrap().port() > taken);
            }
        });
    }
}
