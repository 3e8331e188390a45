//! Limits on the shape of a component's code, so that it can be validated and compiled in a short
//! time. Compilers need more than linear time for some shapes of code that real programs do not
//! have. The limits of the compiler's process bound the rest ([`Compiler`](crate::Compiler)).

/// Limits of a component's code. Unless stated otherwise, counts include all modules and components
/// of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLimits {
    /// Depth of components and modules inside each other.
    pub nesting: u32,
    /// Components and modules.
    pub modules: u32,
    /// Sections, including custom ones.
    pub sections: u32,
    /// Custom sections.
    pub custom_sections: u32,
    /// Types, imports, exports, globals, tables, memories, segments, aliases, instances and
    /// canonical functions together.
    pub items: u32,
    /// Depth of component types inside each other, in one section.
    pub type_nesting: usize,
    /// All sections of types together, in bytes.
    pub type_bytes: usize,
    /// Results of one function type.
    pub results: usize,
    /// All sections of element segments together, in bytes.
    pub element_bytes: usize,
    /// Bodies of all functions, in bytes.
    pub code_bytes: usize,
    /// Local variables of one function.
    pub locals: u32,
    /// Depth of blocks inside each other in one function. Go's compiler makes a block for each
    /// call, around those before it, so this allows as many calls as fit into a function's bytes.
    pub block_nesting: usize,
    /// Depth of loops inside each other in one function.
    pub loop_nesting: u32,
    /// Blocks of one function, and the branches to them.
    pub branches: u64,
    /// Blocks of one function times the local variables that it uses: an upper bound of the values
    /// that are merged where branches meet.
    pub merges: u64,
    /// The sum of `merges` over all functions.
    pub all_merges: u64,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self {
            nesting: 32,
            modules: 250,
            sections: 20_000,
            custom_sections: 1_000,
            items: 200_000,
            type_nesting: 200,
            type_bytes: 4 << 20,
            results: 16,
            element_bytes: 1 << 20,
            code_bytes: 24 << 20,
            locals: 10_000,
            block_nesting: 30_000,
            loop_nesting: 200,
            branches: 200_000,
            merges: 5_000_000,
            all_merges: 100_000_000,
        }
    }
}
