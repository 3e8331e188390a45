//! The committer's verdict on a transaction.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Whether a transaction is valid, or why it is not: Fabric's validation codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum TxValidationCode {
            $($(#[$doc])* $name = $number,)*
        }

        impl TxValidationCode {
            /// Returns Fabric's name of the code, such as `MVCC_READ_CONFLICT`.
            pub fn as_str_name(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns the code with this name.
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
    /// The transaction is valid; its writes are applied.
    Valid = 0, "VALID";
    /// The envelope is missing.
    NilEnvelope = 1, "NIL_ENVELOPE";
    /// The payload cannot be read.
    BadPayload = 2, "BAD_PAYLOAD";
    /// The header cannot be read or is inconsistent.
    BadCommonHeader = 3, "BAD_COMMON_HEADER";
    /// The client's signature is wrong.
    BadCreatorSignature = 4, "BAD_CREATOR_SIGNATURE";
    /// The endorsed part is not well formed.
    InvalidEndorserTransaction = 5, "INVALID_ENDORSER_TRANSACTION";
    /// The configuration is not valid.
    InvalidConfigTransaction = 6, "INVALID_CONFIG_TRANSACTION";
    /// The kind of payload is unknown.
    UnsupportedTxPayload = 7, "UNSUPPORTED_TX_PAYLOAD";
    /// The id is not the hash of nonce and creator.
    BadProposalTxid = 8, "BAD_PROPOSAL_TXID";
    /// The id is already on the ledger.
    DuplicateTxid = 9, "DUPLICATE_TXID";
    /// The endorsements do not satisfy a policy.
    EndorsementPolicyFailure = 10, "ENDORSEMENT_POLICY_FAILURE";
    /// A key that it read was written since.
    MvccReadConflict = 11, "MVCC_READ_CONFLICT";
    /// A range that it read now has other rows.
    PhantomReadConflict = 12, "PHANTOM_READ_CONFLICT";
    /// The type of transaction is unknown.
    UnknownTxType = 13, "UNKNOWN_TX_TYPE";
    /// The transaction belongs to another channel.
    TargetChainNotFound = 14, "TARGET_CHAIN_NOT_FOUND";
    /// The transaction cannot be serialized again.
    MarshalTxError = 15, "MARSHAL_TX_ERROR";
    /// The transaction contains no action.
    NilTxaction = 16, "NIL_TXACTION";
    /// The chaincode was upgraded since.
    ExpiredChaincode = 17, "EXPIRED_CHAINCODE";
    /// The chaincode has another version.
    ChaincodeVersionConflict = 18, "CHAINCODE_VERSION_CONFLICT";
    /// The header's extension cannot be read.
    BadHeaderExtension = 19, "BAD_HEADER_EXTENSION";
    /// The channel header cannot be read.
    BadChannelHeader = 20, "BAD_CHANNEL_HEADER";
    /// The endorsed response cannot be read.
    BadResponsePayload = 21, "BAD_RESPONSE_PAYLOAD";
    /// The read-write set cannot be read.
    BadRwset = 22, "BAD_RWSET";
    /// The transaction writes to a namespace that it may not write.
    IllegalWriteset = 23, "ILLEGAL_WRITESET";
    /// The state database does not accept a write.
    InvalidWriteset = 24, "INVALID_WRITESET";
    /// The chaincode does not exist.
    InvalidChaincode = 25, "INVALID_CHAINCODE";
    /// Not validated yet.
    NotValidated = 254, "NOT_VALIDATED";
    /// Another reason.
    InvalidOtherReason = 255, "INVALID_OTHER_REASON";
}
