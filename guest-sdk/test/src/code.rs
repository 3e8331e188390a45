//! What a committer thinks of a transaction.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Whether a transaction is valid, and if not, why: the codes of Fabric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum TxValidationCode {
            $($(#[$doc])* $name = $number,)*
        }

        impl TxValidationCode {
            /// Fabric's name of it, such as `MVCC_READ_CONFLICT`.
            pub fn as_str_name(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The code with this name.
            pub fn from_str_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// It changes the state.
    Valid = 0, "VALID";
    /// There is no envelope.
    NilEnvelope = 1, "NIL_ENVELOPE";
    /// The payload cannot be read.
    BadPayload = 2, "BAD_PAYLOAD";
    /// The header cannot be read, or does not fit.
    BadCommonHeader = 3, "BAD_COMMON_HEADER";
    /// The client's signature is wrong.
    BadCreatorSignature = 4, "BAD_CREATOR_SIGNATURE";
    /// The endorsed part is not well formed.
    InvalidEndorserTransaction = 5, "INVALID_ENDORSER_TRANSACTION";
    /// A configuration that does not hold.
    InvalidConfigTransaction = 6, "INVALID_CONFIG_TRANSACTION";
    /// A kind of payload that is not known.
    UnsupportedTxPayload = 7, "UNSUPPORTED_TX_PAYLOAD";
    /// The id is not that of nonce and creator.
    BadProposalTxid = 8, "BAD_PROPOSAL_TXID";
    /// The id is on the ledger already.
    DuplicateTxid = 9, "DUPLICATE_TXID";
    /// The endorsements do not satisfy a policy.
    EndorsementPolicyFailure = 10, "ENDORSEMENT_POLICY_FAILURE";
    /// A key that it read was written since.
    MvccReadConflict = 11, "MVCC_READ_CONFLICT";
    /// A range that it read has other rows now.
    PhantomReadConflict = 12, "PHANTOM_READ_CONFLICT";
    /// A type of transaction that is not known.
    UnknownTxType = 13, "UNKNOWN_TX_TYPE";
    /// The channel is another one.
    TargetChainNotFound = 14, "TARGET_CHAIN_NOT_FOUND";
    /// It cannot be written again as it was read.
    MarshalTxError = 15, "MARSHAL_TX_ERROR";
    /// There is no action in it.
    NilTxaction = 16, "NIL_TXACTION";
    /// The chaincode was upgraded since.
    ExpiredChaincode = 17, "EXPIRED_CHAINCODE";
    /// The chaincode has another version.
    ChaincodeVersionConflict = 18, "CHAINCODE_VERSION_CONFLICT";
    /// The header's extension cannot be read.
    BadHeaderExtension = 19, "BAD_HEADER_EXTENSION";
    /// The channel header cannot be read.
    BadChannelHeader = 20, "BAD_CHANNEL_HEADER";
    /// The endorsed answer cannot be read.
    BadResponsePayload = 21, "BAD_RESPONSE_PAYLOAD";
    /// The read-write set cannot be read.
    BadRwset = 22, "BAD_RWSET";
    /// It writes where it may not.
    IllegalWriteset = 23, "ILLEGAL_WRITESET";
    /// It writes what the state database does not take.
    InvalidWriteset = 24, "INVALID_WRITESET";
    /// There is no such chaincode.
    InvalidChaincode = 25, "INVALID_CHAINCODE";
    /// Not looked at yet.
    NotValidated = 254, "NOT_VALIDATED";
    /// Another reason.
    InvalidOtherReason = 255, "INVALID_OTHER_REASON";
}
