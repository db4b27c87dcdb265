// Package dkim signs outgoing messages (RFC 6376, RFC 8301, RFC 8463) and keeps
// the private keys to do so.
//
// The data it keeps is a directory of private keys, DIR/<domain>/<selector>.pem,
// and beside them DIR/<domain>/active, the selectors that sign. Only Keyring
// writes there; an operator may add, replace or remove files and call Reload.
//
// What a Signer writes is fixed: relaxed/relaxed, SHA-256, the fields a reader
// sees signed once more than they occur, so that none can be added, and never a
// body length. What an operator chooses is the keys. The public reference for
// both directions is go-msgauth, which Verify wraps.
package dkim
