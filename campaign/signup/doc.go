// Package signup lets people join a list by themselves: a form of the list asks, a mail to
// the address asks whether it was them, and only who confirms is subscribed (double
// opt-in). What a form said is kept in versions, so that it can be told later what
// somebody agreed to.
//
// All data is in the store: forms and their versions, and those who have not confirmed
// yet. Desk alone changes them; who confirms becomes a contact with a campaign.Consent.
package signup
