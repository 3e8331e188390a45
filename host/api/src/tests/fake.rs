//! A peer with answers that a test chooses.

use super::*;

pub(super) type Says = dyn Fn() -> Result<protos::ProposalResponse, Rejected> + Send + Sync;

/// The beginning of failures that only one peer has.
pub(super) const HERE: &str = "here: ";

/// A peer with the golden channel.
pub(super) struct Fake {
    pub(super) answer: Box<Says>,
    /// The answers of further organizations.
    pub(super) others: Vec<Box<Says>>,
    /// The organization whose endorsement does not count.
    pub(super) outsider: Option<&'static str>,
    /// Organizations that do not run the chaincode.
    pub(super) standings: BTreeMap<&'static str, Standing>,
    pub(super) order: Result<(), OrderError>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    /// The contexts of the proposals that it borrowed. They are kept, so that no other one gets the
    /// same address.
    pub(super) lent: Mutex<Vec<Arc<ProposalContext>>>,
}

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) blocks: Vec<common::Block>,
    /// The block that cannot be read.
    pub(super) damaged: Option<u64>,
    pub(super) ordered: Vec<String>,
    /// The blocks whose snapshots are requested.
    pub(super) snapshots: Vec<u64>,
    pub(super) statuses: BTreeMap<String, CommitStatus>,
    /// The reason why no block is committed.
    pub(super) interruption: Option<&'static str>,
    pub(super) sequence: u64,
    /// The identity whose signature is valid.
    pub(super) readers: Option<&'static [u8]>,
    pub(super) next_id: u64,
    pub(super) tx_listeners: BTreeMap<u64, (String, TxListener)>,
    pub(super) block_listeners: BTreeMap<u64, Arc<dyn Fn(u64) + Send + Sync>>,
}

/// Removes a listener when dropped.
pub(super) struct Listening(Arc<Mutex<Ledger>>, u64);

impl Drop for Listening {
    fn drop(&mut self) {
        let mut ledger = self.0.lock().unwrap();
        let gone = (ledger.tx_listeners.remove(&self.1), ledger.block_listeners.remove(&self.1));
        drop(ledger);
        drop(gone);
    }
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            answer: Box::new(|| Ok(golden_response("ok"))),
            others: Vec::new(),
            outsider: None,
            standings: BTreeMap::new(),
            order: Ok(()),
            ledger: Arc::default(),
            lent: Mutex::default(),
        }
    }
}

impl Fake {
    pub(super) fn answering(
        answer: impl Fn() -> Result<protos::ProposalResponse, Rejected> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), ..Self::default() }
    }

    /// Records a proposal that it borrowed.
    pub(super) fn saw(&self, proposal: &UnpackedProposal) {
        self.lent.lock().unwrap().push(Arc::clone(&proposal.context));
    }

    /// Adds the golden blocks up to this height.
    pub(super) fn grow(&self, height: u64) {
        let mut ledger = self.ledger.lock().unwrap();
        let numbers = ledger.blocks.len() as u64..height;
        for number in numbers.clone() {
            ledger.blocks.push(golden(&format!("b{number:03}.block")));
        }
        let listeners: Vec<_> = ledger.block_listeners.values().cloned().collect();
        drop(ledger);
        for number in numbers {
            listeners.iter().for_each(|listener| listener(number));
        }
    }

    pub(super) fn commit(&self, tx_id: &str, code: TxValidationCode, block_number: u64) {
        let status = CommitStatus { code, block_number, reason: None };
        let mut ledger = self.ledger.lock().unwrap();
        ledger.statuses.insert(tx_id.to_owned(), status.clone());
        let of_tx = ledger.tx_listeners.extract_if(.., |_, (wanted, _)| wanted == tx_id);
        let told: Vec<_> = of_tx.collect();
        drop(ledger);
        told.into_iter().for_each(|(_, (_, done))| done(Some(status.clone())));
    }

    /// Ends all listeners.
    pub(super) fn close(&self) {
        let mut ledger = self.ledger.lock().unwrap();
        let gone = std::mem::take(&mut ledger.block_listeners);
        drop(ledger);
        drop(gone);
    }
}

impl Peer for Fake {
    fn msp_ids(&self) -> Vec<String> {
        let orgs = ["Org1MSP", "Org2MSP", "Org3MSP"];
        orgs[..=self.others.len()].iter().map(|org| (*org).to_owned()).collect()
    }

    fn process_proposal<'a>(
        &'a self,
        msp_id: &'a str,
        proposal: Arc<UnpackedProposal>,
        _: Client,
    ) -> Processing<'a> {
        self.saw(&proposal);
        Box::pin(async move {
            let response = match msp_id {
                "Org2MSP" => (self.others[0])(),
                "Org3MSP" => (self.others[1])(),
                _ => (self.answer)(),
            };
            let response = response?;
            let (fuel, host_calls, own_reads) = (700, 2, Vec::new());
            let message = response.response.as_ref().map(|response| response.message.as_str());
            let is_of_this_peer = message.is_some_and(|text| text.starts_with(HERE));
            Ok(Processed { response, fuel, host_calls, own_reads, is_of_this_peer })
        })
    }

    fn has_joined(&self, msp_id: &str, _: &str) -> bool {
        self.standings.get(msp_id) != Some(&Standing::NoChannel)
    }

    fn interruption(&self, _: &str) -> Option<String> {
        self.ledger.lock().unwrap().interruption.map(str::to_owned)
    }

    fn standing(&self, msp_id: &str, proposal: &UnpackedProposal) -> Standing {
        self.saw(proposal);
        self.standings.get(msp_id).copied().unwrap_or(Standing::Here)
    }

    /// Returns the organizations that have endorsed and count, and, until there are two, one more
    /// of those that have not failed.
    fn needed_endorsers(
        &self,
        proposal: &UnpackedProposal,
        _: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, NoEndorsers> {
        self.saw(proposal);
        let counts = |org: &&String| Some(org.as_str()) != self.outsider;
        let needed: Vec<String> = endorsed.iter().filter(counts).cloned().collect();
        if needed.len() > self.others.len().min(1) {
            return Ok(needed);
        }
        let is_left = |org: &String| !endorsed.contains(org) && !without.contains(org);
        match self.msp_ids().into_iter().find(is_left) {
            Some(org) => Ok([needed, vec![org]].concat()),
            None => Err(NoEndorsers::Collection("nobody".to_owned())),
        }
    }

    fn assemble(
        &self,
        proposal: &UnpackedProposal,
        responses: &[protos::ProposalResponse],
    ) -> Result<common::Envelope, AssembleError> {
        self.saw(proposal);
        if responses.iter().any(|response| response.endorsement.is_none()) {
            return Err(AssembleError("no endorsements".into()));
        }
        let payloads = responses.iter().map(|response| response.payload.as_slice());
        let payload: Vec<&[u8]> =
            [proposal.signed.proposal_bytes.as_slice()].into_iter().chain(payloads).collect();
        let payload = payload.concat();
        Ok(common::Envelope { payload, signature: Vec::new() })
    }

    fn order(&self, _: common::Envelope, done: OrderListener) {
        done(self.order.clone());
    }

    fn commit_status(&self, _: &str, tx_id: &str) -> Result<Option<CommitStatus>, LedgerReadError> {
        Ok(self.ledger.lock().unwrap().statuses.get(tx_id).cloned())
    }

    fn watch_tx(
        &self,
        _: &str,
        tx_id: &str,
        done: TxListener,
    ) -> Result<Watching, LedgerReadError> {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.next_id += 1;
        let id = ledger.next_id;
        match ledger.statuses.get(tx_id).cloned() {
            Some(status) => {
                drop(ledger);
                done(Some(status));
            }
            None if ledger.interruption.is_some() => {
                drop(ledger);
                done(None);
            }
            None => drop(ledger.tx_listeners.insert(id, (tx_id.to_owned(), done))),
        }
        Ok(Box::new(Listening(Arc::clone(&self.ledger), id)))
    }

    fn authorize(&self, resource: &str, _: &str, request: &SignedData) -> Result<(), AccessError> {
        match request.signature.as_slice() {
            b"good" => Ok(()),
            _ => {
                let identity = request.identity.escape_ascii();
                Err(AccessError::NoPolicy(format!("{resource} for {identity}")))
            }
        }
    }

    fn authorize_reader(
        &self,
        reading: Reading,
        _: &str,
        request: &SignedData,
    ) -> Result<(), AccessError> {
        let readers = self.ledger.lock().unwrap().readers.unwrap_or(b"good");
        match request.signature == readers {
            true => Ok(()),
            false => Err(AccessError::NoPolicy(format!("{reading:?}"))),
        }
    }

    fn config_sequence(&self, channel_id: &str) -> Option<u64> {
        let sequence = self.ledger.lock().unwrap().sequence;
        (channel_id == "mychannel").then_some(sequence)
    }

    fn height(&self, channel_id: &str) -> Option<u64> {
        let height = self.ledger.lock().unwrap().blocks.len() as u64;
        (channel_id == "mychannel").then_some(height)
    }

    fn block(&self, _: &str, number: u64) -> Result<Option<common::Block>, LedgerReadError> {
        let ledger = self.ledger.lock().unwrap();
        match ledger.damaged == Some(number) {
            true => Err(LedgerReadError::Unreadable("it is damaged".into())),
            false => Ok(ledger.blocks.get(number as usize).cloned()),
        }
    }

    fn watch_blocks(&self, channel_id: &str, listener: BlockListener) -> Option<Watching> {
        if channel_id != "mychannel" {
            return None;
        }
        let mut ledger = self.ledger.lock().unwrap();
        ledger.next_id += 1;
        let id = ledger.next_id;
        if ledger.interruption.is_none() {
            ledger.block_listeners.insert(id, Arc::from(listener));
        }
        Some(Box::new(Listening(Arc::clone(&self.ledger), id)))
    }

    fn private_data(
        &self,
        _: &str,
        _: &str,
        block: u64,
        _: &SignedData,
    ) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, LedgerReadError> {
        Ok([(block, TxPvtReadWriteSet::default())].into())
    }

    fn discovered_peers(
        &self,
        channel_id: Option<&str>,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<PeerInfo>, DiscoveryError> {
        let chaincodes =
            vec![RunningChaincode { name: "basic".to_owned(), version: "1.0".to_owned() }];
        let on_channel = channel_id.map(|_| ChannelPeer { height: 7, chaincodes });
        let is_able = |msp_id: &String| {
            let is_on = channel_id.is_none_or(|channel| self.has_joined(msp_id, channel));
            is_on && interest.chaincodes.iter().all(|call| call.name == "basic")
        };
        let info = |msp_id: String| {
            let identity = format!("peer of {msp_id}").into_bytes();
            PeerInfo { msp_id, identity, on_channel: on_channel.clone() }
        };
        Ok(self.msp_ids().into_iter().filter(is_able).map(info).collect())
    }

    /// Returns all pairs of its organizations.
    fn endorser_layouts(
        &self,
        _: &str,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<Vec<String>>, DiscoveryError> {
        if interest.chaincodes.iter().any(|call| call.name != "basic") {
            return Err(DiscoveryError::Unsatisfiable);
        }
        let orgs = self.msp_ids();
        let pairs = orgs.iter().enumerate().flat_map(|(at, one)| {
            orgs[at + 1..].iter().map(move |two| vec![one.clone(), two.clone()])
        });
        Ok(pairs.collect())
    }

    fn sign(&self, msp_id: &str, _: &[u8]) -> Vec<u8> {
        msp_id.as_bytes().to_vec()
    }

    fn authorize_admin(&self, msp_id: &str, request: &SignedData) -> Result<(), AdminError> {
        match request.signature == b"admin" {
            true => Ok(()),
            false => Err(AdminError::NoPeer(msp_id.to_owned())),
        }
    }

    fn authorize_local(
        &self,
        _: &str,
        msp_id: &str,
        request: &SignedData,
    ) -> Result<(), AdminError> {
        self.authorize_admin(msp_id, request)
    }

    fn request_snapshot(&self, _: &str, _: &str, block: u64) -> Result<(), SnapshotError> {
        self.ledger.lock().unwrap().snapshots.push(block);
        Ok(())
    }

    fn cancel_snapshot(&self, _: &str, _: &str, block: u64) -> Result<(), SnapshotError> {
        self.ledger.lock().unwrap().snapshots.retain(|of| *of != block);
        Ok(())
    }

    fn pending_snapshots(&self, _: &str, channel: &str) -> Result<Vec<u64>, SnapshotError> {
        match channel {
            "mychannel" => Ok(self.ledger.lock().unwrap().snapshots.clone()),
            other => Err(SnapshotError(format!("cannot find ledger for channel {other}").into())),
        }
    }

    fn ordered_channels(&self) -> Vec<String> {
        self.ledger.lock().unwrap().ordered.clone()
    }

    fn orders(&self, channel_id: &str) -> bool {
        self.ledger.lock().unwrap().ordered.iter().any(|ordered| ordered == channel_id)
    }

    fn order_for(&self, genesis: &common::Block) -> Result<String, JoinRefusal> {
        let config = ChannelConfig::from_genesis_block(genesis);
        let config = config.map_err(|error| JoinRefusal::Invalid(error.to_string()))?;
        let mut ledger = self.ledger.lock().unwrap();
        let name = config.channel_id().to_string();
        if name == "leaving" {
            return Err(JoinRefusal::PendingRemoval);
        }
        if ledger.ordered.contains(&name) {
            return Err(JoinRefusal::Exists);
        }
        ledger.ordered.push(name.clone());
        Ok(name)
    }

    fn stop_ordering(&self, channel_id: &str) -> Result<(), LeaveRefusal> {
        if channel_id == "leaving" {
            return Err(LeaveRefusal::PendingRemoval);
        }
        let mut ledger = self.ledger.lock().unwrap();
        let known = ledger.ordered.len();
        ledger.ordered.retain(|ordered| ordered != channel_id);
        if ledger.ordered.len() < known { Ok(()) } else { Err(LeaveRefusal::Unknown) }
    }

    fn config_block(&self, _: &str) -> Option<u64> {
        Some(0)
    }

    fn channel_config(&self, channel_id: &str) -> Option<common::Config> {
        let network = NetworkSpec::with_orgs(2);
        let id = ChannelId::parse(channel_id).ok()?;
        let genesis = Network::in_memory(&network).unwrap().genesis(id).block().unwrap();
        Some(ChannelConfig::from_genesis_block(&genesis).unwrap().config().clone())
    }

    fn open_chaincode_stream(
        &self,
        outbox: mpsc::Sender<protos::ChaincodeMessage>,
        _: StreamOrigin,
    ) -> Box<dyn ChaincodeStream> {
        Box::new(Echo(Mutex::new(Some(outbox))))
    }
}

/// Returns each message, and ends the stream at an ERROR or a stop.
pub(super) struct Echo(Mutex<Option<mpsc::Sender<protos::ChaincodeMessage>>>);

impl ChaincodeStream for Echo {
    fn receive(&self, message: protos::ChaincodeMessage) {
        let mut outbox = self.0.lock().unwrap();
        match message.r#type() {
            protos::chaincode_message::Type::Error => *outbox = None,
            _ => outbox.as_ref().unwrap().try_send(message).unwrap(),
        }
    }

    fn keepalive(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }

    fn keepalive_due(&self) {
        let keepalive = protos::ChaincodeMessage { r#type: 18, ..Default::default() };
        self.0.lock().unwrap().as_ref().unwrap().try_send(keepalive).unwrap();
    }

    fn stop(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn is_open(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }
}
