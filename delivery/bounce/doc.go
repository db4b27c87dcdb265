// Package bounce hears what comes back to sent mail: bounces (RFC 3464 and those that
// are older) and complaints (RFC 5965, RFC 9477). A Receiver is an SMTP server that
// takes messages for nobody but the recipients of our own runs, whose return path and
// complaint address carry a signed token, and for postmaster, abuse and fbl; ReadMaildir
// and ReadIMAP take the same out of a mailbox. Parse reads what such a message says. A
// complaint counts when it names a recipient by a token of ours and Trust believes its
// reporter.
//
// The package keeps nothing and answers nothing by mail, so that no loop can begin
// (RFC 5321 §4.5.5). What a report says of a recipient is handed to the store, durably
// before the message is answered with 250: who is gone is suppressed, who bounces
// softly is counted, what is policy is our own trouble. Delays and automatic replies
// are logged and change nobody's state.
//
//	gate → session → Parse → RecipientOf → Heard → 250
package bounce
