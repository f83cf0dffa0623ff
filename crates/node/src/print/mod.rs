//! A record on paper: a PDF for people, made from an exported record that was checked.
//!
//! *What.* Every statement with all its languages beside each other, who signed it and when, what was said to it, and by
//! what its items are known; on the first page the head, and the hash of the exported file as digits and as a QR code, so that
//! paper and file can be held against each other. The file itself lies in the PDF where it is not too long. *How.* [`fonts`]
//! finds the machine's fonts and takes for each language those whose Han characters have its shapes; [`lines`] breaks
//! text; [`paper`] puts lines on pages.

mod fonts;
mod lines;
mod paper;
mod sheets;

use couloir_talks::evidence::Examination;

use crate::clerk::record::RecordShown;
use crate::keys::hex;
use crate::page::tongue::Language;
use crate::words::{Code, Failure, Outcome};
use fonts::Fonts;
use paper::Paper;
use sha2::{Digest as _, Sha256};

/// The PDF of an exported record, `octets`, in which everything was `found` to hold; its labels are in `language`.
pub fn print(found: &Examination, octets: &[u8], language: Language) -> Outcome<Vec<u8>> {
    if !found.holds() {
        let what = "what does not hold is not printed";
        return Err(Failure::new(Code::Integrity, what, "see what is wrong: couloir record verify"));
    }
    let shown = RecordShown::of(&found.record);
    let mut paper = Paper::new(Fonts::of_machine(), language, shown.head.clone());
    sheets::cover(&mut paper, &shown, &hex(&Sha256::digest(octets)));
    shown.statements.iter().for_each(|statement| sheets::statement(&mut paper, &shown, statement));
    paper.finish(octets)
}
