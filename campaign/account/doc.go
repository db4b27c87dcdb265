// Package account knows who may use the pages and the HTTP API: users with their
// roles and passwords, the links by which they choose one, the tokens of programs, and
// the log of who did what.
//
// The data lives in SQL (package store implements Store). Passwords are kept as
// argon2id hashes, tokens and links as SHA-256 hashes: what a copy of the database
// holds opens nothing. Only Accounts changes it; in memory it keeps nothing but the
// count of failed sign-ins.
package account
