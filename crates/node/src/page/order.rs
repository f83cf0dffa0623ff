//! Names in the order in which people look for them: by their language, not by code points.

use std::cell::RefCell;
use std::collections::BTreeMap;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::Locale;

use super::tongue::Language;

thread_local! {
    /// Making one reads much data; they belong to their thread.
    static COLLATORS: RefCell<BTreeMap<Language, Option<CollatorBorrowed<'static>>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// `items` in the order of their names: 五十音 and JIS in Japanese, pinyin in Chinese.
pub fn sorted<T>(language: Language, mut items: Vec<T>, name: impl Fn(&T) -> String) -> Vec<T> {
    COLLATORS.with_borrow_mut(|made| {
        let collator = made.entry(language).or_insert_with(|| collator(language));
        items.sort_by(|a, b| {
            let (a, b) = (name(a), name(b));
            collator.as_ref().map_or_else(|| a.cmp(&b), |collator| collator.compare(&a, &b))
        });
    });
    items
}

fn collator(language: Language) -> Option<CollatorBorrowed<'static>> {
    let locale: Locale = language.tag().parse().ok()?;
    Collator::try_new(locale.into(), CollatorOptions::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(language: Language, names: &[&str]) -> Vec<String> {
        sorted(language, names.iter().map(|name| (*name).to_owned()).collect(), Clone::clone)
    }

    #[test]
    fn names_stand_in_the_order_of_their_language() {
        // zhāng, lǐ, wáng: by code points 张 is the first.
        assert_eq!(in_order(Language::Zh, &["张", "王", "李"]), ["李", "王", "张"]);
        assert_eq!(
            in_order(Language::Ja, &["れんらく", "アジア", "おうしゅう"]),
            ["アジア", "おうしゅう", "れんらく"]
        );
        assert_eq!(
            in_order(Language::En, &["Zurich", "apple", "Étude", "Eton"]),
            ["apple", "Eton", "Étude", "Zurich"]
        );
    }
}
