//! The group itself, over the MLS library. With `provider` and `crypto`, the only place that names it.
//!
//! *State.* The library writes to its storage while it works. So each operation runs on a copy of the
//! stored map and hands back what the map is at the end; on any error the copy is dropped.
//! *Time.* The library compares lifetimes with the system clock; ours never end, so what it reads
//! does not matter.

use couloir_wire::id::{Digest, NodeId};
use minicbor::{Decode, Encode};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, Credential, CredentialType, CredentialWithKey, GroupId,
    KeyPackage, KeyPackageIn, LeafNodeParameters, Lifetime, MlsGroup, MlsGroupJoinConfig, MlsMessageBodyIn,
    MlsMessageIn, OpenMlsProvider as _, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent, Proposal,
    ProtocolMessage, ProtocolVersion, QueuedProposal, StagedCommit, StagedWelcome,
};

use zeroize::Zeroizing;

use super::AgreementError;
use super::provider::{LeafSigner, Map, Provider, Randomness};
use crate::entropy::Entropy;
use crate::kdf::sha256;
use crate::secret::Secret32;

/// ML-KEM-768 with X25519, AES-256-GCM, SHA-384, Ed25519: number 0x004E of
/// draft-ietf-mls-pq-ciphersuites.
pub(super) const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;
const EXPORTER_LABEL: &str = "couloir link";
const GROUP_ID_LEN: usize = 16;

/// P's key package, its private part and its leaf's signing key.
#[derive(Encode, Decode)]
pub(super) struct Join {
    #[n(0)]
    map: Map,
    #[n(1)]
    signer: LeafSigner,
}

/// One end of a group, with what the rest of the program asks of its epoch.
#[derive(Encode, Decode)]
pub(super) struct Group {
    #[n(0)]
    map: Map,
    #[n(1)]
    signer: LeafSigner,
    #[cbor(n(2), with = "minicbor::bytes")]
    group_id: Vec<u8>,
    #[n(3)]
    epoch: u64,
    #[n(4)]
    peer: NodeId,
    #[n(5)]
    exporter: Secret32,
    #[n(6)]
    authenticator: Digest,
    /// The update that this end proposed in this epoch.
    #[cbor(n(7), with = "minicbor::bytes")]
    update: Option<Vec<u8>>,
}

pub(super) fn offer(entropy: &mut Entropy, node: NodeId) -> Result<(Join, Vec<u8>), AgreementError> {
    let provider = Provider::new(&Map::default(), Randomness::from(&mut *entropy))?;
    let signer = LeafSigner::new(entropy.secret());
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(capabilities())
        .key_package_lifetime(without_end())
        .build(SUITE, &provider, &signer, credential(node, &signer))
        .map_err(library)?;
    let offer = bundle.key_package().tls_serialize_detached().map_err(library)?;
    Ok((Join { map: provider.into_map(), signer }, offer))
}

pub(super) fn create(
    entropy: &mut Entropy,
    node: NodeId,
    offer: &[u8],
) -> Result<(Group, Vec<u8>), AgreementError> {
    let group_id = entropy.array::<GROUP_ID_LEN>().to_vec();
    let signer = LeafSigner::new(entropy.secret());
    let provider = Provider::new(&Map::default(), Randomness::from(entropy))?;
    let offer = read_offer(&provider, offer)?;
    let mut group = MlsGroup::builder()
        .with_group_id(GroupId::from_slice(&group_id))
        .ciphersuite(SUITE)
        .with_capabilities(capabilities())
        .lifetime(without_end())
        .use_ratchet_tree_extension(true)
        .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(0)
        .build(&provider, &signer, credential(node, &signer))
        .map_err(library)?;
    let (_, welcome, _) =
        group.add_members_without_update(&provider, &signer, &[offer]).map_err(|e| refused(&e))?;
    group.merge_pending_commit(&provider).map_err(library)?;
    let welcome = welcome.to_bytes().map_err(library)?;
    Ok((Group::of(&group, provider, signer)?, welcome))
}

pub(super) fn join(join: &Join, welcome: &[u8]) -> Result<Group, AgreementError> {
    let provider = Provider::new(&join.map, Randomness::None)?;
    let MlsMessageBodyIn::Welcome(welcome) = read_message(welcome)? else {
        return Err(refused(&"not a welcome"));
    };
    let config = MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(0)
        .build();
    let staged = StagedWelcome::build_from_welcome(&provider, &config, welcome)
        .map_err(|e| refused(&e))?
        .skip_lifetime_validation()
        .build()
        .map_err(|e| refused(&e))?;
    let group = staged.into_group(&provider).map_err(|e| refused(&e))?;
    Group::of(&group, provider, join.signer.clone())
}

impl Group {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn peer(&self) -> NodeId {
        self.peer
    }

    pub(super) fn exporter(&self) -> Secret32 {
        self.exporter.clone()
    }

    pub(super) fn authenticator(&self) -> Digest {
        self.authenticator
    }

    pub(super) fn propose_update(&mut self, entropy: &mut Entropy) -> Result<Vec<u8>, AgreementError> {
        if let Some(update) = &self.update {
            return Ok(update.clone());
        }
        let (provider, mut group) = self.load(Randomness::from(entropy))?;
        let (message, _) = group
            .propose_self_update(&provider, &self.signer, LeafNodeParameters::default())
            .map_err(library)?;
        let update = message.to_bytes().map_err(library)?;
        self.map = provider.into_map();
        self.update = Some(update.clone());
        Ok(update)
    }

    pub(super) fn commit(
        &mut self,
        entropy: &mut Entropy,
        update: Option<&[u8]>,
    ) -> Result<Vec<u8>, AgreementError> {
        let (provider, mut group) = self.load(Randomness::from(entropy))?;
        if let Some(update) = update {
            let proposal = self.read_update(&provider, &mut group, update)?;
            group.store_pending_proposal(provider.storage(), proposal).map_err(library)?;
        }
        let bundle = group
            .commit_builder()
            .force_self_update(true)
            .load_psks(provider.storage())
            .map_err(library)?
            .build(provider.rand(), provider.crypto(), &self.signer, |_| true)
            .map_err(|e| refused(&e))?
            .stage_commit(&provider)
            .map_err(|e| refused(&e))?;
        let commit = bundle.into_commit().to_bytes().map_err(library)?;
        group.merge_pending_commit(&provider).map_err(library)?;
        *self = Group::of(&group, provider, self.signer.clone())?;
        Ok(commit)
    }

    pub(super) fn receive_commit(&mut self, commit: &[u8]) -> Result<(), AgreementError> {
        let (provider, mut group) = self.load(Randomness::None)?;
        let ProcessedMessageContent::StagedCommitMessage(staged) =
            self.read_protocol_message(&provider, &mut group, commit)?
        else {
            return Err(refused(&"not a commit"));
        };
        check_commit(&staged)?;
        group.merge_staged_commit(&provider, *staged).map_err(|e| refused(&e))?;
        *self = Group::of(&group, provider, self.signer.clone())?;
        Ok(())
    }

    /// The state at the end of an operation, and what is asked of its epoch.
    fn of(group: &MlsGroup, provider: Provider, signer: LeafSigner) -> Result<Group, AgreementError> {
        let exporter = group.export_secret(provider.crypto(), EXPORTER_LABEL, &[], 32).map_err(library)?;
        let exporter = Zeroizing::new(exporter);
        Ok(Group {
            group_id: group.group_id().as_slice().to_vec(),
            epoch: group.epoch().as_u64(),
            peer: peer_of(group)?,
            exporter: Secret32::from_slice(&exporter).ok_or_else(|| library("exporter length"))?,
            authenticator: Digest(sha256(&[group.epoch_authenticator().as_slice()])),
            update: None,
            map: provider.into_settled_map(),
            signer,
        })
    }

    fn load(&self, randomness: Randomness) -> Result<(Provider, MlsGroup), AgreementError> {
        let provider = Provider::new(&self.map, randomness)?;
        let group = MlsGroup::load(provider.storage(), &GroupId::from_slice(&self.group_id))
            .map_err(|_| AgreementError::Damaged)?
            .ok_or(AgreementError::Damaged)?;
        Ok((provider, group))
    }

    fn read_update(
        &self,
        provider: &Provider,
        group: &mut MlsGroup,
        update: &[u8],
    ) -> Result<QueuedProposal, AgreementError> {
        match self.read_protocol_message(provider, group, update)? {
            ProcessedMessageContent::ProposalMessage(proposal)
                if matches!(proposal.proposal(), Proposal::Update(_)) =>
            {
                Ok(*proposal)
            }
            _ => Err(refused(&"not an update")),
        }
    }

    fn read_protocol_message(
        &self,
        provider: &Provider,
        group: &mut MlsGroup,
        message: &[u8],
    ) -> Result<ProcessedMessageContent, AgreementError> {
        let MlsMessageBodyIn::PublicMessage(message) = read_message(message)? else {
            return Err(refused(&"not a handshake message"));
        };
        let message = ProtocolMessage::from(message);
        if message.epoch() != group.epoch() {
            return Err(AgreementError::Epoch { got: message.epoch().as_u64(), ours: self.epoch });
        }
        let processed = group.process_message(provider, message).map_err(|e| refused(&e))?;
        Ok(processed.into_content())
    }
}

/// A commit of our peer renews leaves and does nothing else: nobody comes, nobody goes.
fn check_commit(staged: &StagedCommit) -> Result<(), AgreementError> {
    let renews_only =
        staged.queued_proposals().all(|queued| matches!(queued.proposal(), Proposal::Update(_)));
    let has_path = staged.update_path_leaf_node().is_some();
    (renews_only && has_path).then_some(()).ok_or_else(|| refused(&"it does more than renew keys"))
}

fn peer_of(group: &MlsGroup) -> Result<NodeId, AgreementError> {
    let mut others = group.members().filter(|member| member.index != group.own_leaf_index());
    match (others.next(), others.next()) {
        (Some(peer), None) => {
            let credential = BasicCredential::try_from(peer.credential).map_err(|e| refused(&e))?;
            credential.identity().try_into().map(NodeId).map_err(|_| refused(&"not a node's credential"))
        }
        _ => Err(refused(&"not a group of two")),
    }
}

fn read_offer(provider: &Provider, mut offer: &[u8]) -> Result<KeyPackage, AgreementError> {
    let package = KeyPackageIn::tls_deserialize(&mut offer).map_err(|e| refused(&e))?;
    if !offer.is_empty() {
        return Err(refused(&"octets follow the key package"));
    }
    let package = package.validate(provider.crypto(), ProtocolVersion::Mls10).map_err(|e| refused(&e))?;
    (package.ciphersuite() == SUITE).then_some(package).ok_or_else(|| refused(&"another ciphersuite"))
}

fn read_message(mut message: &[u8]) -> Result<MlsMessageBodyIn, AgreementError> {
    let read = MlsMessageIn::tls_deserialize(&mut message).map_err(|e| refused(&e))?;
    message.is_empty().then(|| read.extract()).ok_or_else(|| refused(&"octets follow the message"))
}

fn credential(node: NodeId, signer: &LeafSigner) -> CredentialWithKey {
    CredentialWithKey {
        credential: Credential::from(BasicCredential::new(node.0.to_vec())),
        signature_key: signer.public_key().into(),
    }
}

/// By hand, since the provider's own list omits the suite although it works.
fn capabilities() -> Capabilities {
    let versions = [ProtocolVersion::Mls10];
    Capabilities::new(Some(&versions), Some(&[SUITE]), Some(&[]), Some(&[]), Some(&[CredentialType::Basic]))
}

fn without_end() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

fn refused(cause: &impl ToString) -> AgreementError {
    AgreementError::Refused(cause.to_string())
}

pub(super) fn library(cause: impl ToString) -> AgreementError {
    AgreementError::Library(cause.to_string())
}
