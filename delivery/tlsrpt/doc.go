// Package tlsrpt counts how sessions with a domain's servers fared under its TLS
// policy, and makes the report that the domain may ask for (RFC 8460).
//
// A Recorder holds counts of the last seconds in memory, bounded, and adds them to a
// Store, where all senders' counts of a UTC day meet. Only Recorders write them;
// after some weeks they are forgotten.
package tlsrpt
