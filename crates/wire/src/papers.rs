//! Papers: signets, certificates, charters, invitations; formats only (PROTOCOL §3).
