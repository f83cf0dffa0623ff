//! What the rules want to know about a Rust file.

use std::ops::RangeInclusive;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A word or sign of the source; comments and the insides of strings are not among them.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

/// A function with a body.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    /// The line of `fn`.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

/// A name that this file gives.
#[derive(Debug)]
pub struct Name {
    pub line: usize,
    pub text: String,
    pub is_function: bool,
}

/// The parts of a Rust file.
#[derive(Debug, Default)]
pub struct RustFile {
    pub tokens: Vec<Token>,
    pub functions: Vec<Function>,
    /// Names of types, traits, modules and of functions whose name is ours to choose.
    pub names: Vec<Name>,
    /// Modules in files of their own.
    pub modules: Vec<String>,
    /// Those among them that only tests have.
    pub test_modules: Vec<String>,
    /// Lines of tests.
    pub tests: Vec<RangeInclusive<usize>>,
}

impl RustFile {
    /// The parts of `text`, or the line and the reason why it is no Rust.
    pub fn parse(text: &str) -> Result<RustFile, (usize, String)> {
        let failed = |span: Span, error: String| (span.start().line, error);
        let stream: TokenStream =
            text.parse().map_err(|error: proc_macro2::LexError| failed(error.span(), error.to_string()))?;
        let mut parts = RustFile::default();
        flatten(stream, &mut parts.tokens);
        let syntax = syn::parse_file(text).map_err(|error| failed(error.span(), error.to_string()))?;
        parts.visit_file(&syntax);
        Ok(parts)
    }

    fn name(&mut self, ident: &syn::Ident, is_function: bool) {
        self.names.push(Name { line: ident.span().start().line, text: ident.to_string(), is_function });
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let end = block.span().end().line;
        self.functions.push(Function { name: signature.ident.to_string(), line, lines: end + 1 - line });
    }
}

impl<'a> Visit<'a> for RustFile {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if attributes(item).iter().any(is_for_tests) {
            let span = item.span();
            self.tests.push(span.start().line..=span.end().line);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.name(&item.sig.ident, true);
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        for part in &item.items {
            let syn::ImplItem::Fn(function) = part else { continue };
            // A trait's names were chosen where it was written.
            if item.trait_.is_none() {
                self.name(&function.sig.ident, true);
            }
            self.function(&function.sig, &function.block);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        self.name(&item.sig.ident, true);
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.name(&item.ident, false);
        if item.content.is_none() {
            self.modules.push(item.ident.to_string());
            if item.attrs.iter().any(is_for_tests) {
                self.test_modules.push(item.ident.to_string());
            }
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.name(&item.ident, false);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.name(&item.ident, false);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.name(&item.ident, false);
        visit::visit_item_trait(self, item);
    }
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                tokens.push(Token { line, text: "(".into() });
                flatten(group.stream(), tokens);
            }
            TokenTree::Ident(ident) => tokens.push(Token { line, text: ident.to_string() }),
            TokenTree::Punct(punct) => tokens.push(Token { line, text: punct.as_char().to_string() }),
            TokenTree::Literal(_) => tokens.push(Token { line, text: "\"".into() }),
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[test]`, `#[tokio::test]` and `#[cfg(test)]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let last = attribute.path().segments.last().map(|segment| segment.ident.to_string());
    match last.as_deref() {
        Some("test") => true,
        Some("cfg") => {
            let mut words = Vec::new();
            if let syn::Meta::List(list) = &attribute.meta {
                flatten(list.tokens.clone(), &mut words);
            }
            words.iter().any(|word| word.text == "test") && !words.iter().any(|word| word.text == "not")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_tokens() {
        let parts = RustFile::parse("// HashMap\nfn f() { g(\"HashMap\") }").unwrap();
        assert!(parts.tokens.iter().all(|token| token.text != "HashMap"));
        assert!(parts.tokens.contains(&Token { line: 2, text: "g".into() }));
    }

    #[test]
    fn functions_are_counted_from_fn_to_the_brace() {
        let parts = RustFile::parse("/// Doc.\npub fn f() {\n  1;\n}\nimpl A { fn g() {} }").unwrap();
        let lines: Vec<_> = parts.functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(lines, [("f", 2, 3), ("g", 5, 1)]);
    }

    #[test]
    fn test_modules_are_known_and_their_opposite_is_not() {
        let parts =
            RustFile::parse("#[cfg(test)]\nmod tests {\n}\n#[cfg(not(test))]\nmod real {\n}").unwrap();
        assert_eq!(parts.tests, [1..=3]);
    }
}
