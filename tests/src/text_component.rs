//! Components written as text, for shapes that no toolchain makes.

/// The contents of the contract's only core module, and further definitions.
#[derive(Clone, Copy, Debug)]
pub struct TextComponent<'a> {
    /// Pages of the memory.
    pub pages: u32,
    /// Further fields of the module.
    pub fields: &'a str,
    /// The body of `invoke`: returns a pointer to its response.
    pub invoke: &'a str,
    /// Further definitions of the component around the module `$m`.
    pub beside: &'a str,
}

impl Default for TextComponent<'_> {
    fn default() -> Self {
        Self { pages: 1, fields: "", invoke: TextComponent::ANSWERS, beside: "" }
    }
}

impl TextComponent<'_> {
    /// Answers with status 200.
    pub const ANSWERS: &'static str = "(i32.store (i32.const 16) (i32.const 200)) (i32.const 16)";
    /// Never ends.
    pub const LOOPS: &'static str = "(loop $forever (br $forever)) (unreachable)";

    /// Returns the file.
    ///
    /// # Panics
    /// Panics if the text is not a component.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let Self { pages, fields, invoke, beside } = self;
        let answers = Self::ANSWERS;
        // Exported functions need a named type, which an inner component can export.
        let text = format!(
            r#"(component
                (component $contract
                    (core module $m
                        (memory (export "memory") {pages})
                        {fields}
                        (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                        (func (export "init") (result i32) {answers})
                        (func (export "invoke") (result i32) {invoke}))
                    (core instance $i (instantiate $m))
                    {beside}
                    (type $record (record
                        (field "status" s32) (field "message" string) (field "payload" (list u8))))
                    (export $response "response" (type $record))
                    (func $init (result $response)
                        (canon lift (core func $i "init") (memory (core memory $i "memory"))))
                    (export "init" (func $init))
                    (func $invoke (result $response)
                        (canon lift (core func $i "invoke") (memory (core memory $i "memory"))))
                    (export "invoke" (func $invoke)))
                (instance $whole (instantiate $contract))
                (export "fabric:chaincode/contract@0.2.0" (instance $whole)))"#
        );
        wat::parse_str(text).expect("the text is a component")
    }
}
