//! The page's languages: every word on it comes from `locales/`.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

/// The files of one language.
macro_rules! texts {
    ($language:literal) => {
        [
            include_str!(concat!("../../locales/", $language, "/desk.ftl")),
            include_str!(concat!("../../locales/", $language, "/talk.ftl")),
            include_str!(concat!("../../locales/", $language, "/record.ftl")),
            include_str!(concat!("../../locales/", $language, "/matters.ftl")),
        ]
    };
}

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Japanese.
    Ja,
    /// Chinese, simplified.
    Zh,
    /// English.
    #[default]
    En,
}

impl Language {
    /// All, in the order in which the page offers them.
    pub const ALL: [Language; 3] = [Language::Ja, Language::Zh, Language::En];

    /// The word in forms and settings.
    pub fn word(self) -> &'static str {
        match self {
            Language::Ja => "ja",
            Language::Zh => "zh",
            Language::En => "en",
        }
    }

    /// The tag for `lang`, by which a browser chooses the shapes of Han characters.
    pub fn tag(self) -> &'static str {
        match self {
            Language::Ja => "ja",
            Language::Zh => "zh-Hans",
            Language::En => "en",
        }
    }

    /// Its own name for itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::Ja => "日本語",
            Language::Zh => "简体中文",
            Language::En => "English",
        }
    }

    /// Reverses [`Language::word`].
    pub fn of_word(word: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.word() == word)
    }

    /// The first language of an `Accept-Language` header that the page speaks.
    pub fn wanted(header: &str) -> Option<Language> {
        let tags = header.split(',').map(|tag| tag.trim().split(['-', ';']).next().unwrap_or_default());
        tags.into_iter().find_map(Language::of_word)
    }

    /// The language that a text seems to be in; `otherwise` where its characters do not tell: Han
    /// characters alone are Japanese or Chinese.
    pub fn of_text(text: &str, otherwise: Language) -> Language {
        let mut has_han = false;
        for c in text.chars().take(LOOKED_AT_CHARS) {
            match c {
                '\u{3041}'..='\u{30FF}' => return Language::Ja,
                '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}' => has_han = true,
                _ => {}
            }
        }
        match (has_han, otherwise) {
            (true, Language::En) => Language::Zh,
            (true, other) => other,
            (false, _) => Language::En,
        }
    }

    fn texts(self) -> &'static [&'static str] {
        match self {
            Language::Ja => &texts!("ja"),
            Language::Zh => &texts!("zh"),
            Language::En => &texts!("en"),
        }
    }

    fn bundle(self) -> &'static Bundle {
        &BUNDLES[self as usize]
    }
}

type Bundle = FluentBundle<FluentResource>;

/// What a message is filled with.
pub type Filling<'a> = FluentValue<'a>;

static BUNDLES: LazyLock<[Bundle; 3]> = LazyLock::new(|| Language::ALL.map(read));

fn read(language: Language) -> Bundle {
    let tag: LanguageIdentifier = language.tag().parse().expect("a tag of ours");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    for text in language.texts() {
        // A test reads every file without errors.
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new((*text).to_owned());
        bundle.add_resource_overriding(resource);
    }
    bundle
}

impl Language {
    /// A message.
    pub fn t(self, id: &str) -> String {
        self.tn(id, &[])
    }

    /// A message with its fillings; each is isolated, so that its direction harms nothing beside it.
    pub fn tn(self, id: &str, fillings: &[(&str, Filling<'_>)]) -> String {
        let bundle = self.bundle();
        let pattern = bundle.get_message(id).and_then(|message| message.value());
        debug_assert!(pattern.is_some(), "no message {id}");
        let Some(pattern) = pattern else { return id.to_owned() };
        let args: FluentArgs<'_> = fillings.iter().map(|(name, value)| (*name, value.clone())).collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "message {id}: {errors:?}");
        text
    }
}

/// So many characters tell the language of a text.
const LOOKED_AT_CHARS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_every_language_is_read_without_errors() {
        for language in Language::ALL {
            for text in language.texts() {
                let read = FluentResource::try_new((*text).to_owned());
                assert!(read.is_ok(), "{language:?}: {:?}", read.err().map(|(_, errors)| errors));
            }
        }
    }

    #[test]
    fn the_language_of_a_text_is_seen_by_its_characters() {
        let seen = |text| Language::of_text(text, Language::Zh);
        assert_eq!(seen("承知しました"), Language::Ja);
        assert_eq!(seen("收到"), Language::Zh);
        assert_eq!(Language::of_text("了解", Language::Ja), Language::Ja);
        assert_eq!(seen("Understood."), Language::En);
    }

    #[test]
    fn the_first_language_that_is_spoken_is_taken() {
        assert_eq!(Language::wanted("fr-FR,zh-CN;q=0.9,en;q=0.8"), Some(Language::Zh));
        assert_eq!(Language::wanted("fr"), None);
    }
}
