//! Taking metadata out of pictures: what tells who took them, when, where and with what. The picture itself stays as it is,
//! octet for octet, with its colours and the way it is turned.
//!
//! What is kept is listed, and everything else goes, so that a kind of metadata that nobody thought of goes too. Whatever lies
//! behind the end of a picture goes as well: telephones put films there.

use img_parts::jpeg::{Jpeg, JpegSegment};
use img_parts::png::Png;
use img_parts::{Bytes, ImageEXIF};

use crate::words::Failure;

/// Whether metadata can be taken out of a file that begins so.
pub fn can_be_taken_out(start: &[u8]) -> bool {
    start.starts_with(JPEG) || start.starts_with(PNG)
}

/// The picture without its metadata.
pub fn taken_out(octets: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let is_png = octets.starts_with(PNG);
    let octets = Bytes::from(octets);
    let plain = if is_png { of_png(octets) } else { of_jpeg(octets) };
    plain.ok_or_else(|| {
        let what = "the picture cannot be read, and its metadata not be taken out";
        Failure::usage(what, "look at it on another machine, or send it as it is")
    })
}

/// A picture whose metadata is to be taken out is held in memory, and is longer than [`PICTURE_OCTETS_MAX`].
pub fn too_long() -> Failure {
    Failure::usage(
        "the picture is longer than 32 MiB, and its metadata cannot be taken out here",
        "take it out elsewhere, or send it as it is",
    )
}

fn of_png(octets: Bytes) -> Option<Vec<u8>> {
    let mut png = Png::from_bytes(octets).ok()?;
    png.chunks_mut().retain(|chunk| KEPT_CHUNKS.contains(&&chunk.kind()));
    Some(png.encoder().bytes().to_vec())
}

fn of_jpeg(octets: Bytes) -> Option<Vec<u8>> {
    let mut jpeg = Jpeg::from_bytes(octets).ok()?;
    let turn = jpeg.exif().and_then(|exif| turn(&exif));
    let kept = jpeg.segments().iter().filter_map(kept).collect();
    *jpeg.segments_mut() = kept;
    jpeg.set_exif(turn.map(only_turn));
    let scan = jpeg.segments().last().filter(|segment| segment.has_entropy())?;
    let head = jpeg.len() - (scan.len_with_entropy() - scan.len());
    let whole = jpeg.encoder().bytes();
    let mut plain = whole.get(..head)?.to_vec();
    push_scans(whole.get(head..)?, &mut plain)?;
    Some(plain)
}

/// What a picture needs: its tables and scans, the header without its thumbnail, the colour profile, and how colours are coded.
fn kept(segment: &JpegSegment) -> Option<JpegSegment> {
    let contents = segment.contents();
    match segment.marker() {
        APP0 if contents.starts_with(b"JFIF\0") && contents.len() >= JFIF_OCTETS => {
            let plain = [&contents[..JFIF_OCTETS - 2], &[0, 0]].concat();
            Some(JpegSegment::new_with_contents(APP0, plain.into()))
        }
        APP2 if contents.starts_with(b"ICC_PROFILE\0") => Some(segment.clone()),
        APP14 if contents.starts_with(b"Adobe") => Some(segment.clone()),
        marker if is_telling(marker) => None,
        _ => Some(segment.clone()),
    }
}

fn is_telling(marker: u8) -> bool {
    matches!(marker, APP0..=APP15 | COMMENT)
}

/// Scans to the end of the picture, without what lies between them and behind.
fn push_scans(mut rest: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF | 0xD0..=0xD7);
    loop {
        let at = rest.windows(2).position(is_marker)?;
        let marker = rest[at + 1];
        out.extend_from_slice(&rest[..at]);
        if marker == END {
            out.extend_from_slice(&[0xFF, END]);
            return Some(());
        }
        let len = usize::from(u16::from_be_bytes(rest.get(at + 2..at + 4)?.try_into().ok()?));
        let next = at + 2 + len;
        let segment = rest.get(at..next)?;
        if !is_telling(marker) {
            out.extend_from_slice(segment);
        }
        rest = &rest[next..];
    }
}

/// How a picture is to be turned to stand upright, where it is; 2 to 8 by EXIF's count.
fn turn(tiff: &[u8]) -> Option<u8> {
    let is_big = tiff.starts_with(b"MM");
    let short = |at: usize| {
        let octets: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_big { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    };
    let (high, low) = if is_big { (4, 6) } else { (6, 4) };
    let first = usize::from(short(high)?) << 16 | usize::from(short(low)?);
    let entries = usize::from(short(first)?).min(ENTRIES_MAX);
    let value = |entry: usize| {
        let at = first.checked_add(2 + 12 * entry)?;
        if short(at)? == ORIENTATION { short(at.checked_add(8)?) } else { None }
    };
    let turn = u8::try_from((0..entries).find_map(value)?).ok()?;
    (2..=8).contains(&turn).then_some(turn)
}

/// EXIF that says nothing else.
fn only_turn(turn: u8) -> Bytes {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, turn, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat().into()
}

/// Held in memory whole.
pub const PICTURE_OCTETS_MAX: usize = 32 << 20;
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const APP0: u8 = 0xE0;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const COMMENT: u8 = 0xFE;
const END: u8 = 0xD9;
/// Of the header, to its thumbnail.
const JFIF_OCTETS: usize = 14;
const ORIENTATION: u16 = 0x0112;
/// Cameras write a few dozen.
const ENTRIES_MAX: usize = 256;
/// The picture, its colours, its transparency, its size, and how it moves.
const KEPT_CHUNKS: [&[u8; 4]; 18] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV",
    b"cLLI", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
        let len = u16::try_from(contents.len() + 2).expect("short").to_be_bytes();
        [&[0xFF, marker], &len[..], contents].concat()
    }

    fn chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
        let len = u32::try_from(contents.len()).expect("short").to_be_bytes();
        let sum = img_parts::png::PngChunk::new(*kind, Bytes::copy_from_slice(contents));
        assert_eq!(sum.len(), 12 + len.len() - 4 + contents.len());
        sum.encoder().bytes().to_vec()
    }

    fn holds(octets: &[u8], part: &[u8]) -> bool {
        octets.windows(part.len()).any(|window| window == part)
    }

    /// Turned, with a place, a comment, a thumbnail, something between its scans and a film behind its end.
    fn telling_jpeg() -> Vec<u8> {
        let exif = [&b"Exif\0\0"[..], &only_turn(6), b"35.6812N 139.7671E"].concat();
        let jfif = [&b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01"[..], b"abc"].concat();
        [
            vec![0xFF, 0xD8],
            segment(APP0, &jfif),
            segment(0xE1, &exif),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<creator>Yamada</creator>"),
            segment(0xED, b"Photoshop 3.0\0Tokyo"),
            segment(COMMENT, b"by Yamada"),
            segment(APP2, b"ICC_PROFILE\0\x01\x01colours"),
            segment(0xC0, b"frame"),
            segment(0xDA, b"scan"),
            vec![1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 4],
            segment(COMMENT, b"between"),
            segment(0xDA, b"more"),
            vec![5, 6, 0xFF, END],
            b"film with 35.6812N".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_photograph_tells_nothing_but_what_is_seen_on_it() {
        let plain = taken_out(telling_jpeg()).expect("a picture");
        for telling in [&b"35.6812N"[..], b"Yamada", b"Tokyo", b"between", b"film", b"abc"] {
            assert!(!holds(&plain, telling), "{}", String::from_utf8_lossy(telling));
        }
        for seen in [
            &b"colours"[..],
            b"frame",
            b"scan",
            &[1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 4],
            b"more",
            &[5, 6, 0xFF, END],
        ] {
            assert!(holds(&plain, seen), "{seen:?}");
        }
        let exif = Jpeg::from_bytes(plain.clone().into()).expect("a picture").exif();
        assert_eq!(exif.and_then(|exif| turn(&exif)), Some(6));
        assert_eq!(taken_out(plain.clone()).expect("again"), plain);
    }

    #[test]
    fn a_drawing_loses_its_words_and_keeps_its_colours() {
        let parts = [
            PNG.to_vec(),
            chunk(b"IHDR", &[0; 13]),
            chunk(b"tEXt", b"Author\0Yamada"),
            chunk(b"eXIf", b"35.6812N"),
            chunk(b"zzZz", b"nobody thought of it"),
            chunk(b"gAMA", b"gam!"),
            chunk(b"IDAT", b"picture"),
            chunk(b"IEND", b""),
            b"behind".to_vec(),
        ];
        let plain = taken_out(parts.concat()).expect("a picture");
        assert_eq!(plain, [&parts[0][..], &parts[1], &parts[5], &parts[6], &parts[7]].concat());
    }

    #[test]
    fn what_is_no_picture_is_refused_and_harms_nothing() {
        for broken in [
            &b"\xFF\xD8\xFF"[..],
            b"\xFF\xD8\xFF\xDA\0\x02",
            b"\x89PNG\r\n\x1a\nxx",
            b"\xFF\xD8\xFF\xDA\0\x02\x01\xFF\xFE",
        ] {
            assert!(taken_out(broken.to_vec()).is_err(), "{broken:?}");
        }
        let whole = telling_jpeg();
        for end in 0..whole.len() {
            drop(taken_out(whole[..end].to_vec()));
        }
        assert!(!can_be_taken_out(b"%PDF-1.7") && can_be_taken_out(&whole));
    }
}
