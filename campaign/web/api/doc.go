// Package api is Broadside over HTTP for programs: JSON under /api/v1, described by an
// OpenAPI 3.1 document that is made from the types here. It asks the services that the
// pages ask, with the same permissions, and knows no SQL.
//
// Each file has the operations on one kind of thing, with the types that they speak.
// The package keeps nothing: the document is made once, when the API is.
package api
