// Package shaping is what is known about mailbox providers, as data: which MX hosts
// and mailbox domains are theirs, what they accept, and what to do when they answer
// in words that are known.
//
// The knowledge is a Table, which nobody changes once it is made. The built-in one is
// builtin.toml, a part of the program; an operator's file, written in the same form,
// goes on top. A Book holds the table in force and reads the operator's file again
// whenever it changes. Nothing is kept on disk, and nothing is learned here: what
// replies taught is ratelimit's.
package shaping
