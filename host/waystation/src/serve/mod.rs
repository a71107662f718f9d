//! `waystation serve`.

mod clock;
mod data_dir;
mod key_file;
mod link_keys;
mod logging;
mod maintenance;
mod open_files;
mod privacy;
pub(crate) mod private_file;
mod secret_key;
mod signals;
mod token;
mod wire;

pub(crate) use clock::SystemClock;
pub(crate) use data_dir::{DataDir, RESTORING};
pub(crate) use link_keys::parse as read_link_keys;
pub(crate) use secret_key::parse as read_secret_keys;

use std::sync::Arc;

use tokio::net::TcpListener;
use waystation_core::Clock;
use waystation_http::{App, HttpSettings, Tokens};

use maintenance::StoreMaintenance;
use wire::Keys;

use crate::compiling::{self, Confinement};
use crate::failure::{Done, Failure};
use crate::output;
use crate::settings::{ServeArgs, Settings, local_url};

/// Runs the server until it is told to stop.
pub(crate) fn run(args: &ServeArgs) -> Done {
    let settings = Settings::load(args)?;
    logging::start(settings.log_level, settings.log_format);
    if !settings.debug_attach {
        // Before there is a key to be read.
        privacy::keep_memory_private();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(format!("no threads to run on: {error}")))?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Done {
    // Held until the end: its lock keeps others out.
    let data = Arc::new(DataDir::open(&settings.data)?);
    data.is_whole()?;
    let root = token::load(&data)?;
    let keys = Keys { links: link_keys::load(&data)?, secrets: secret_key::load(&data)? };

    tell_what_is_open(compiling::possible_confinement());
    open_files::make_room(settings.limits.connections_max);
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| {
        Failure::new(format!("can't listen on {}: {error}", settings.listen))
            .hint("--listen HOST:0 picks a free port")
    })?;
    let address = listener.local_addr().map_err(Failure::new)?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| {
        if address.ip().is_unspecified() {
            tracing::warn!("links name this machine only; set --public-url for others");
        }
        local_url(address)
    });

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let wired =
        wire::start(&settings, &data, keys, Arc::clone(&clock), address, &public_url).await?;
    let tokens = Tokens::load(root, wired.store())
        .await
        .map_err(|error| Failure::new(format!("the tokens can't be read: {error}")))?;
    let host_names = address.ip().is_loopback().then(|| host_names(&settings.listen, &public_url));
    let app = App {
        engine: wired.engine.clone(),
        tokens,
        clock: Arc::clone(&clock),
        maintenance: Arc::new(StoreMaintenance { store: wired.store(), data, clock }),
        settings: HttpSettings {
            get_link: settings.get_link,
            trusted_proxies: settings.trusted_proxies.clone(),
            host_names,
        },
    };
    let stop = signals::Stop::listen()?;
    let engine = wired.engine.clone();
    let drained = async move {
        stop.asked().await;
        tracing::info!("shutting down");
        // Still answers meanwhile: links and looks are welcome, new work is not.
        engine.shutdown().await;
    };
    tracing::info!(%address, public_url, data = %settings.data.display(), "ready");
    output::line(format!("listening on http://{address}"));
    let served = waystation_http::serve(listener, app, drained).await;
    wired.close().await;
    served.map_err(|error| Failure::new(format!("serving failed: {error}")))
}

/// Says what a component that took over the compiler could reach on this system.
fn tell_what_is_open(confinement: Confinement) {
    if !confinement.files {
        tracing::warn!(
            "this system has no Landlock: the compiler's process can read and write what this \
             server can"
        );
    }
    if !confinement.calls {
        tracing::warn!(
            "this system has no seccomp: the compiler's process can call all of the system"
        );
    }
}

/// The names of a server that serves its own machine alone: what it listens on, and the host of
/// its public URL.
fn host_names(listen: &str, public_url: &str) -> Vec<String> {
    let listens = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let public = url::Url::parse(public_url).ok();
    let public = public.and_then(|url| url.host_str().map(str::to_owned));
    let plain = |name: &str| name.trim_matches(['[', ']']).to_owned();
    std::iter::once(plain(listens)).chain(public.as_deref().map(plain)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_server_is_called_by_where_it_listens_and_by_its_public_url() {
        let names = host_names("my-machine:8787", "https://flows.example:444/base");
        assert_eq!(names, ["my-machine", "flows.example"]);
        assert_eq!(host_names("[::1]:0", "http://[::1]:80"), ["::1", "::1"]);
    }
}
