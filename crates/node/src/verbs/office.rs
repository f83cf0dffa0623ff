//! A home whose papers change: through the socket if its node runs, else its store, without an engine, which
//! a home that no officer has certified yet does not make.

use couloir_engine::channel::ChannelState;

use crate::clerk::kept::unlock;
use crate::clerk::{Reach, lock_patiently, papers};
use crate::cli::home_args::HomeArgs;
use crate::home::{Home, HomeLock};
use crate::socket::Request;
use crate::store::Store;
use crate::words::{Failure, Outcome};

/// A home and its papers.
pub struct Office {
    /// What the store keeps of the channel; its secrets only if the node does not run.
    pub channel: ChannelState,
    /// The same of every link, the first one's first.
    pub channels: Vec<ChannelState>,
    stopped: Option<(HomeLock, Store)>,
}

impl Office {
    /// Reads the papers.
    pub fn open(args: &HomeArgs) -> Outcome<Office> {
        if let Some(mut reach) = Reach::running(args)? {
            let answer = reach.ask(&Request::Papers)?;
            let channels = papers::of_answer(&answer)?;
            return Ok(Office { channel: channels[0].clone(), channels, stopped: None });
        }
        let home = Home::open(args.folder()?)?;
        let lock = lock_patiently(&home)?;
        let store = unlock(&home, args)?;
        let (channel, channels) = (papers::channel_of(store.reader())?, papers::channels_of(store.reader())?);
        Ok(Office { channel, channels, stopped: Some((lock, store)) })
    }

    /// The store of a node that does not run.
    pub fn stopped_store(&mut self) -> Outcome<&mut Store> {
        let stopped = self.stopped.as_mut().map(|(_, store)| store);
        stopped.ok_or_else(|| {
            Failure::later("the node is running, and this needs it stopped", "stop couloir run, then repeat")
        })
    }

    /// Whether the node does not run.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }
}
