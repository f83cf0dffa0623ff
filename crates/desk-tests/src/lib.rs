//! The desk's page as people use it: two real nodes, real browsers.
//!
//! [`Offices`] are two homes whose nodes run over a shared folder; [`Browser`] is one headless Chromium.
//! The tests drive both; screenshots of every page lie in `target/desk-screenshots` afterwards. Debian's
//! `chromium`, `chromium-driver` and `fonts-noto-cjk` must be there: `cargo xtask test` installs them.

mod browser;
mod offices;

pub use browser::{Browser, Wish};
pub use offices::{Home, Offices, PASSPHRASE};

use std::time::{Duration, Instant};

/// Looks until `is_so` gives something; fails after a minute and a half.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut is_so: impl FnMut() -> F) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = is_so().await {
            return found;
        }
        assert!(Instant::now() < patience, "never: {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
