//! Files up into the store and down out of it, slice by slice; none of them is ever shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use couloir_wire::entry::Body as Said;
use couloir_wire::id::EntryId;
use couloir_wire::limits::FILE_OCTETS_MAX;
use futures_util::stream;

use super::form::Form;
use super::office::Office;
use super::pages::composer;
use super::serve::{in_visit, next};
use super::visit::Caller;
use super::{outside, speak};
use crate::clerk::files::{self, Metadata};
use crate::clerk::metadata::{self, PICTURE_OCTETS_MAX};
use crate::clerk::{Node, answer, conversations, names};
use crate::store::{FileError, Import, Imported};
use crate::words::{Failure, Outcome};

/// What a form with a file brought.
struct Brought {
    form: Form,
    file: Option<(String, Imported, Metadata)>,
}

/// Takes a form with a file and says it.
pub async fn receive(office: &Arc<Office>, caller: Caller, request: Request) -> Response {
    let Ok(parts) = Multipart::from_request(request, &()).await else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let brought = take(office, parts).await;
    in_visit(office, caller, move |visit| {
        let Brought { form, file } = brought?;
        let how = composer::how(visit, &form)?;
        let Some((name, imported, metadata)) = file else {
            return Err(Failure::usage("no file was chosen", "choose one and send it again"));
        };
        let body = Said::File { name, len: imported.len, digest: imported.digest };
        let place = conversations::one(visit.node, how.conversation)?.id;
        let spoken = speak::say(visit, body, how, Some(imported.id))?;
        Ok(next(visit, spoken.then(|_| composer::after_file(place, metadata))))
    })
    .await
}

async fn take(office: &Arc<Office>, mut parts: Multipart) -> Outcome<Brought> {
    let mut brought = Brought { form: Form::default(), file: None };
    while let Some(field) = parts.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default().to_owned().as_str() {
            "file" if brought.file.is_none() => {
                let strip = brought.form.given("strip").is_some();
                brought.file = take_file(office, field, strip).await?;
            }
            name => brought.form.push(name, small(field).await?),
        }
    }
    Ok(brought)
}

/// A field that is no file.
async fn small(mut field: Field<'_>) -> Outcome<String> {
    let mut octets = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        octets.extend_from_slice(&chunk);
        if octets.len() > FIELD_OCTETS_MAX {
            return Err(Failure::usage("a field of the form is too long", "say it shorter"));
        }
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// `None` if no file was chosen. What a broken upload leaves is forgotten at the next start. Metadata is taken out of a
/// picture if `strip`, before anything of it is kept.
async fn take_file(
    office: &Arc<Office>,
    mut field: Field<'_>,
    strip: bool,
) -> Outcome<Option<(String, Imported, Metadata)>> {
    let typed = field.file_name().unwrap_or_default().to_owned();
    if typed.is_empty() {
        return Ok(None);
    }
    let name = names::name("file's name", typed.rsplit(['/', '\\']).next().unwrap_or_default())?;
    let (mut import, mut slice) = (Import::new(answer::random_entry_id()?), Vec::new());
    let mut metadata = if strip { Metadata::CannotBe } else { Metadata::Stays };
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        slice.extend_from_slice(&chunk);
        if import.is_empty() && strip && metadata::can_be_taken_out(&slice) {
            metadata = Metadata::TakenOut;
            slice = picture(&mut field, slice).await?;
        }
        if slice.len() >= SLICE_OCTETS {
            import = keep(office, import, std::mem::take(&mut slice)).await?;
        }
    }
    import = keep(office, import, slice).await?;
    let node = Arc::clone(office);
    let finished =
        blocking(move || Ok(node.handle.with_store(move |store| store.finish_import(import))??));
    Ok(Some((name, finished.await?, metadata)))
}

/// The rest of a picture, without metadata.
async fn picture(field: &mut Field<'_>, mut octets: Vec<u8>) -> Outcome<Vec<u8>> {
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        octets.extend_from_slice(&chunk);
        if octets.len() > PICTURE_OCTETS_MAX {
            return Err(metadata::too_long());
        }
    }
    blocking(move || metadata::taken_out(octets)).await
}

async fn keep(office: &Arc<Office>, mut import: Import, slice: Vec<u8>) -> Outcome<Import> {
    let node = Arc::clone(office);
    blocking(move || {
        let kept = node.handle.with_store(move |store| -> Result<Import, FileError> {
            store.import(&mut import, &slice)?;
            Ok(import)
        });
        Ok(kept??)
    })
    .await
}

/// Gives a file to be kept, never to be shown.
pub async fn give(office: &Arc<Office>, caller: &Caller) -> Response {
    let Ok(id) = caller.query.text("entry").parse::<EntryId>() else { return outside::no_page(caller) };
    let node = Arc::clone(office);
    let checked = blocking(move || {
        node.with_node(|served| {
            let row = served
                .reader()
                .row(id)?
                .ok_or_else(|| Failure::usage("there is no such file", "couloir log"))?;
            let name = files::name_of(served.reader(), &row)?.to_owned();
            Ok((served.reader().check_file(id)?, name))
        })
    });
    match checked.await {
        Ok((len, name)) => attachment(Arc::clone(office), id, len, &name),
        Err(failure) => in_visit(office, caller.clone(), move |visit| Ok(visit.failed(&failure))).await,
    }
}

/// Something that was made for this answer, to be kept and never to be shown.
pub fn whole(name: &str, kind: &'static str, octets: Vec<u8>) -> Response {
    let mut response = Body::from(octets).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::from_str(&disposition(name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn attachment(office: Arc<Office>, id: EntryId, len: u64, name: &str) -> Response {
    let slices = stream::unfold(Ok((office, 0)), move |at| async move {
        let (office, offset): (Arc<Office>, u64) = at.ok()?;
        if offset >= len {
            return None;
        }
        let node = Arc::clone(&office);
        let read = blocking(move || {
            node.with_node(|served| Ok(served.reader().file_octets(id, offset, SLICE_OCTETS)?))
        });
        match read.await {
            Ok(octets) if octets.is_empty() => Some((Err(gone()), Err(()))),
            Ok(octets) => {
                let offset = offset + octets.len() as u64;
                Some((Ok(octets), Ok((office, offset))))
            }
            Err(_) => Some((Err(gone()), Err(()))),
        }
    });
    let mut response = Body::from_stream(slices).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if let Ok(disposition) = HeaderValue::from_str(&disposition(name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::UnexpectedEof.into()
}

/// `attachment` under a harmless name (RFC 6266): no folder, nothing hidden, nothing that a shell or a
/// file manager takes for more than a name.
pub fn disposition(name: &str) -> String {
    let harmless: String = name.chars().map(harmless).collect();
    let harmless = harmless.trim_matches(['.', ' ', '_']);
    let harmless = if harmless.is_empty() { "file" } else { harmless };
    let ascii: String = harmless.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let escaped: String = harmless.bytes().map(escape).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{escaped}")
}

fn harmless(c: char) -> char {
    let is_plain = c.is_alphanumeric()
        || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')' | '（' | '）' | '・' | '，' | '、');
    if is_plain { c } else { '_' }
}

fn escape(octet: u8) -> String {
    if octet.is_ascii_alphanumeric() || b".-_".contains(&octet) {
        return char::from(octet).to_string();
    }
    format!("%{octet:02X}")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let ended = || Failure::later("the node is stopping", "start it: couloir run");
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(ended()))
}

fn broken(error: axum::extract::multipart::MultipartError) -> Failure {
    Failure::later(format!("the upload broke off: {error}"), "send it again")
}

/// Taken in one transaction, read at once.
const SLICE_OCTETS: usize = 1 << 20;
/// A field of the form beside the file.
const FIELD_OCTETS_MAX: usize = 4 * 1024;
/// The largest file and the form around it.
pub const UPLOAD_OCTETS_MAX: usize = FILE_OCTETS_MAX as usize + 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_only_a_name_however_it_was_meant() {
        let plain = disposition("名簿 (1).pdf");
        assert_eq!(
            plain,
            "attachment; filename=\"__ (1).pdf\"; filename*=UTF-8''%E5%90%8D%E7%B0%BF%20%281%29.pdf"
        );
        for name in ["../../etc/passwd", ".bashrc", "a\"; x=\"b", "a\r\nSet-Cookie: x", "~", "", "a\u{202E}b"]
        {
            let given = disposition(name);
            assert!(!given.contains("/") && !given.contains('\n') && !given.contains("\"."), "{given}");
            assert_eq!(given.matches('"').count(), 2, "{given}");
        }
    }
}
