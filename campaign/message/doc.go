// Package message turns what a person wrote into messages: it compiles a Source
// once into a MIME structure that is cut at its merge points, and appends each
// recipient's message to a reused buffer. It keeps no data and knows no store.
package message
