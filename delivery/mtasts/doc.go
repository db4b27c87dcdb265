// Package mtasts finds out which mail servers a domain has, and that they can be
// trusted, by HTTPS instead of DNS (RFC 8461).
//
// A policy that was fetched is kept in a Store until its max_age is over, because it
// protects only as long as nobody can make us forget it (RFC 8461 §10.2): whoever can
// forge DNS or block HTTPS must not be able to wait for a restart. Only a Source
// writes it. How long an answer of a Source may be believed without asking again is
// told with it, and remembered by the caller.
package mtasts
