// Package smtp is the wire client: it opens a session with one address of one mail
// server and hands it one message after the other (RFC 5321).
//
// A Session keeps what the server said about itself, how many transactions it has
// seen, and whether the conversation is still in step; all of it lives in memory
// and dies with the connection. The goroutine that opened a session, or whoever it
// is handed to, is the only one to call its methods. One further goroutine per
// session reads replies, so that a 421 or a close is noticed while the session is
// idle, and a server that answers early is heard while the message is still on its
// way; Close waits for it.
//
// What a server answers is a Result, a value with a stage: nothing here returns an
// error, because a refused recipient is no failure of ours.
package smtp
