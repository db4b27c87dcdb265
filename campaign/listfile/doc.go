// Package listfile reads list files as people export them: CSV and its relatives,
// NDJSON and XLSX, plain or packed with gzip or zip, as a stream of records.
//
// What a file is, is decided by its content; the name only breaks ties. Flaws that
// leave the other records readable (too few cells, lone quotation marks, a record
// in another charset) are noted on the record. Flaws that make a person's intention
// guesswork (NUL bytes, a field without end, an archive that explodes) end the
// reading with an *Error that names the row.
//
// The package keeps nothing: a Reader holds one record and a sample of the first
// ones, and for XLSX the library's temporary files until Close.
package listfile
