// Package dane asks DNS which certificates a mail server must show, and holds what it
// shows against the answer (RFC 7672; RFC 6698 and 7671 for the records).
//
// It keeps nothing: the caller remembers answers for as long as they hold. What makes
// an answer trustworthy is that a validating resolver says so (the AD bit), and that
// nobody can speak in its place on the way here: the resolver is one that a person
// named for this, at best on the same host.
package dane
