//! The charter, how it is accepted, and the invitation that carries its first version.

use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Paper, PaperFormatError, Signed, SignedCertificate, Signet, check_field, check_that};
use crate::id::{ChannelId, Digest, InvitationId, SideId};
use crate::limits::ROUTES_MAX;
use crate::route::RouteSpec;
use crate::ruler::LIFETIME_MAX_MS;
use crate::time::{Hour, WallTime};

/// Turns of the schedule's table.
pub const TURNS_MAX: u8 = 64;

/// The side that an inviter invites.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Invited {
    /// By name, since its signet is not known yet: in version 1.
    #[n(0)]
    Named(#[n(0)] String),
    /// By its signet: in every later version.
    #[n(1)]
    Known(#[n(0)] SideId),
}

/// What two sides have agreed on a channel. Version 1 is the inviter's alone and is completed by an
/// [`Acceptance`]; every later one is signed by both.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Charter {
    /// Counts from 1.
    #[n(0)]
    pub version: u32,
    /// SHA-256 of the version before; none in version 1.
    #[n(1)]
    pub previous: Option<Digest>,
    /// The channel.
    #[n(2)]
    pub channel: ChannelId,
    /// The channel's name.
    #[n(3)]
    pub name: String,
    /// The side that invited.
    #[n(4)]
    pub inviter: SideId,
    /// The side that was invited.
    #[n(5)]
    pub invited: Invited,
    /// The invitation that began the channel.
    #[n(6)]
    pub invitation: InvitationId,
    /// Every route that is or was, by id; at most [`ROUTES_MAX`] in use at once.
    #[n(7)]
    pub routes: Vec<RouteSpec>,
    /// Turns of the schedule's table; the last one is for recovery.
    #[n(8)]
    pub turns: u8,
    /// How long a relay keeps a cell of the lowest level, in milliseconds.
    #[n(9)]
    pub live_ms: u64,
    /// Whether notes may be sent that expire on both sides.
    #[n(10)]
    pub notes_may_expire: bool,
    /// Whether a post tells the other that an entry was shown.
    #[n(11)]
    pub tells_shown: bool,
    /// When it was drawn up, in milliseconds since 1970.
    #[n(12)]
    pub created_ms: i64,
}

/// A charter as it travels.
pub type SignedCharter = Signed<Charter>;

impl Charter {
    /// The routes in use at `time`.
    pub fn routes_at(&self, time: WallTime) -> impl Iterator<Item = &RouteSpec> {
        self.routes.iter().filter(move |route| route.is_in_use(time))
    }

    fn check_routes(&self) -> Result<(), PaperFormatError> {
        check_that(self.routes.iter().all(|route| route.check().is_ok()), "list of routes")?;
        let is_repeated = |i: usize| self.routes[..i].iter().any(|route| route.id == self.routes[i].id);
        check_that(!(0..self.routes.len()).any(is_repeated), "list of routes")?;
        // In use at once at the moment when any of them begins.
        let begins = self.routes.iter().map(|route| WallTime(route.from_ms));
        let is_crowded = begins.into_iter().any(|time| self.routes_at(time).count() > ROUTES_MAX);
        check_that(!is_crowded, "number of routes in use")
    }
}

impl Paper for Charter {
    const WORD: &'static str = "charter";

    fn check(&self) -> Result<(), PaperFormatError> {
        let is_first = self.version == 1;
        check_that(self.version >= 1, "version")?;
        check_that(self.previous.is_none() == is_first, "reference to the version before")?;
        check_field("channel's name", &self.name)?;
        match &self.invited {
            Invited::Named(name) => {
                check_that(is_first, "invited side")?;
                check_field("invited side's name", name)?;
            }
            Invited::Known(side) => check_that(!is_first && *side != self.inviter, "invited side")?,
        }
        check_that((2..=TURNS_MAX).contains(&self.turns), "number of turns")?;
        check_that((1..=LIFETIME_MAX_MS).contains(&self.live_ms), "lifetime of cells")?;
        self.check_routes()
    }
}

/// The invited side's word that it takes a charter's first version, and who it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Acceptance {
    /// SHA-256 of the charter's octets.
    #[n(0)]
    pub charter: Digest,
    /// The invited side's signet, which signs this.
    #[n(1)]
    pub signet: Signet,
    /// The certificate of its post.
    #[n(2)]
    pub certificate: SignedCertificate,
}

/// An acceptance as it travels.
pub type SignedAcceptance = Signed<Acceptance>;

impl Paper for Acceptance {
    const WORD: &'static str = "acceptance";

    fn check(&self) -> Result<(), PaperFormatError> {
        self.signet.check()
    }
}

/// What a courier carries: everything the invited side needs to write the first cell.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Invitation {
    /// Random.
    #[n(0)]
    pub id: InvitationId,
    /// The inviter's signet.
    #[n(1)]
    pub signet: Signet,
    /// The certificate of the inviter's post.
    #[n(2)]
    pub certificate: SignedCertificate,
    /// The charter's first version, which names the invited side.
    #[n(3)]
    pub charter: SignedCharter,
    /// From which the first root and the rendezvous secret come.
    #[n(4)]
    pub secret: OneTimeSecret,
    /// The first hour of the first epoch, counted from 1970.
    #[n(5)]
    pub first_hour: u64,
    /// Not to be used from this time on, in milliseconds since 1970.
    #[n(6)]
    pub expires_ms: i64,
}

impl Invitation {
    /// The first hour of the first epoch.
    pub fn first_hour(&self) -> Hour {
        Hour(self.first_hour)
    }

    /// Not to be used from this time on.
    pub fn expires(&self) -> WallTime {
        WallTime(self.expires_ms)
    }

    /// The name of the side that is invited; none if its charter is not a first version.
    pub fn for_side(&self) -> Option<&str> {
        match &self.charter.unverified().invited {
            Invited::Named(name) => Some(name),
            Invited::Known(_) => None,
        }
    }
}

impl Paper for Invitation {
    const WORD: &'static str = "invitation";

    fn check(&self) -> Result<(), PaperFormatError> {
        self.signet.check()
    }
}

/// An invitation's 32 secret octets; wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct OneTimeSecret(pub [u8; 32]);

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OneTimeSecret(_) = self;
        f.write_str("OneTimeSecret(..)")
    }
}

impl<C> Encode<C> for OneTimeSecret {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for OneTimeSecret {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let wrong = |_| decode::Error::message("secret: wrong length");
        d.bytes()?.try_into().map(OneTimeSecret).map_err(wrong)
    }
}
