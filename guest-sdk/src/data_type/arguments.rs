//! The arguments of a call, as [`args!`](crate::args) encodes them.

use crate::DataType;

/// An argument of [`args!`](crate::args): a [`DataType`], text, or bytes.
pub trait ToArgument {
    /// Returns the bytes of the argument.
    ///
    /// # Panics
    /// Panics if the value has no JSON form, for example a map whose keys are not text, or a number
    /// that is not finite.
    fn to_argument(&self) -> Vec<u8>;
}

impl<T: DataType> ToArgument for T {
    fn to_argument(&self) -> Vec<u8> {
        self.encode().expect("a DataType has JSON")
    }
}

impl ToArgument for str {
    fn to_argument(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl ToArgument for [u8] {
    fn to_argument(&self) -> Vec<u8> {
        self.to_vec()
    }
}

/// Returns the arguments as a `Vec<Vec<u8>>`, each encoded as in the contract API.
///
/// ```
/// use wasmcc_sdk::args;
/// assert_eq!(args!["asset1", 5u32, true], [b"asset1".to_vec(), b"5".to_vec(), b"true".to_vec()]);
/// assert!(args![].is_empty());
/// ```
#[macro_export]
macro_rules! args {
    ($($argument:expr),* $(,)?) => {{
        #[allow(unused_imports, reason = "there may be no argument")]
        use $crate::ToArgument as _;
        let arguments: Vec<Vec<u8>> = vec![$(($argument).to_argument()),*];
        arguments
    }};
}
