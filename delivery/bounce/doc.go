// Package bounce hears what comes back to the return paths of sent mail. A Receiver
// is an SMTP server that takes messages for nobody but the recipients of our own
// runs, whose return path carries a signed token, and for postmaster; Parse reads
// what such a message says.
//
// The package keeps nothing and answers nothing by mail, so that no loop can begin
// (RFC 5321 §4.5.5). What a report says of a recipient is handed to the store, durably
// before the message is answered with 250: who is gone is suppressed, who bounces
// softly is counted, what is policy is our own trouble. Delays and automatic replies
// are logged and change nobody's state.
//
//	gate → session → Parse → RecipientOf → Heard → 250
package bounce
