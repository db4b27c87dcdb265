// Package bounce hears what comes back to the return paths of sent mail. A Receiver
// is an SMTP server that takes messages for nobody but the recipients of our own
// runs, whose return path carries a signed token, and for postmaster; Parse reads
// what such a message says.
//
// The package keeps nothing and answers nothing by mail, so that no loop can begin
// (RFC 5321 §4.5.5). An address whose mailbox or domain is gone is put on the
// suppression list, durably before the message is answered with 250; all else (soft
// bounces, delays, what is policy and therefore our own trouble, automatic replies)
// is logged and changes nobody's state.
//
//	gate → session → Parse → RecipientOf → Suppress → 250
package bounce
