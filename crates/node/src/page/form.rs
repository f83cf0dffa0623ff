//! What a browser sends: pairs of names and values, from a query or a body.

use std::str::FromStr;

use crate::words::{Failure, Outcome};

/// Names and values, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=b&c=d`.
    pub fn read(octets: &[u8]) -> Form {
        Form(form_urlencoded::parse(octets).take(FIELDS_MAX).map(|(a, b)| (a.into(), b.into())).collect())
    }

    /// Adds one more, up to a bound.
    pub fn push(&mut self, name: &str, value: String) {
        if self.0.len() < FIELDS_MAX {
            self.0.push((name.to_owned(), value));
        }
    }

    /// A value; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A value that was filled in.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|value| !value.is_empty())
    }

    /// A value that must be what it is for, if it is given.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Outcome<Option<T>> {
        let wrong =
            |_| Failure::usage("the form names something that is not there", "go back and choose again");
        self.given(name).map(|value| value.parse().map_err(wrong)).transpose()
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.given(name)?.parse().ok()
    }
}

/// A query with these values: `thread?before=12`.
pub fn link(page: &str, values: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(values);
    let query = query.finish();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
}

/// More than any form of ours has.
const FIELDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_back_what_was_filled_in() {
        let form = Form::read("text=%E5%A4%96+%E5%8B%99&empty=&n=7".as_bytes());
        assert_eq!((form.text("text"), form.given("empty"), form.number("n")), ("外 務", None, Some(7)));
        assert_eq!(
            Form::read(link("", &[("q", "a&b=会")]).trim_start_matches('?').as_bytes()).text("q"),
            "a&b=会"
        );
    }

    #[test]
    fn a_conversation_that_is_none_is_never_another_one() {
        let form = Form::read(b"conversation=x&empty=&n=7");
        assert_eq!(
            form.parsed::<u8>("conversation").map_err(|wrong| wrong.code),
            Err(crate::words::Code::Usage)
        );
        assert_eq!((form.parsed::<u8>("n"), form.parsed::<u8>("empty")), (Ok(Some(7)), Ok(None)));
    }
}
