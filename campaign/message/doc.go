// Package message turns what a person wrote into messages: it compiles a Source
// once into a MIME structure that is cut at its merge points, and appends each
// recipient's message to a reused buffer. It keeps no data and knows no store.
//
// Templates are Liquid: {{ name | default: "there" }}, {% if %}, {% unless %},
// {% case %}, {% for %}, {% assign %}, {% capture %}, {% comment %} and {% raw %}.
// They read the recipient's attributes and four built-in fields: email,
// unsubscribe_url, postal_address and now (the send time, for the date filter).
// They have no files, no other templates and no environment, and a block ends after
// 1,000 turns or 512 KB. What is merged is never parsed as a template again.
//
// A value is made safe for the place it lands in, always and once: HTML text,
// attribute, URL, style, plain text or header. There is no way around it, and the
// escape filter does nothing. A captured text is a value like any other.
//
// An attribute that is absent or null is missing. A missing value is replaced by its
// default; without one the recipient's message fails with a MergeError, because
// nobody wants "Dear ,". An empty text and false take the default too, as in Liquid,
// but are written as they are when there is none. In conditions a missing value is
// nil.
package message
