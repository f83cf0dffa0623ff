//! The phrase that two desks read to each other.

use couloir_engine::PhraseView;
use serde::{Deserialize, Serialize};

use crate::cli::values::Lang;

/// `couloir phrase --json`. Keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    /// The seven symbols, in order.
    pub symbols: Vec<Symbol>,
    /// The same, as digits.
    pub digits: String,
}

/// One of the 64 symbols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Its number, from 0.
    pub number: u8,
    /// The symbol.
    pub symbol: String,
    /// Its English name.
    pub en: String,
    /// Its Japanese name.
    pub ja: String,
    /// Its Chinese name.
    pub zh: String,
}

impl From<&PhraseView> for Phrase {
    fn from(view: &PhraseView) -> Phrase {
        let known = couloir_seal::phrase::symbols();
        let symbols = view.symbols.iter().filter_map(|number| known.get(usize::from(*number)));
        Phrase { symbols: symbols.map(Symbol::from).collect(), digits: view.digits.clone() }
    }
}

impl From<&couloir_seal::phrase::Symbol> for Symbol {
    fn from(known: &couloir_seal::phrase::Symbol) -> Symbol {
        Symbol {
            number: known.number,
            symbol: known.symbol.to_owned(),
            en: known.en.to_owned(),
            ja: known.ja.to_owned(),
            zh: known.zh.to_owned(),
        }
    }
}

impl Phrase {
    /// For people: a line per symbol, in one language or in all, then the digits.
    pub fn words(&self, lang: Option<Lang>) -> String {
        let line = |symbol: &Symbol| {
            let names = match lang {
                Some(Lang::Ja) => symbol.ja.clone(),
                Some(Lang::Zh) => symbol.zh.clone(),
                Some(Lang::En) => symbol.en.clone(),
                None => format!("{}  {}  {}", symbol.ja, symbol.zh, symbol.en),
            };
            format!("{}  {names}\n", symbol.symbol)
        };
        let lines: String = self.symbols.iter().map(line).collect();
        format!("{lines}{}", self.digits)
    }
}
