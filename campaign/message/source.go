package message

// Source is what a person writes: the parts of a campaign that become a message.
// Subject, Preheader, HTML, Markdown and Text are Liquid templates.
type Source struct {
	From          string `json:"from" toml:"from" yaml:"from"`                          // "News <news@example.org>"
	ReplyTo       string `json:"reply_to,omitempty" toml:"reply_to" yaml:"reply_to"`    // one mailbox
	Subject       string `json:"subject" toml:"subject" yaml:"subject"`                 //
	Preheader     string `json:"preheader,omitempty" toml:"preheader" yaml:"preheader"` // shown by mailbox lists after the subject
	HTML          string `json:"html,omitempty" toml:"html" yaml:"html"`                // at most one of HTML and Markdown
	Markdown      string `json:"markdown,omitempty" toml:"markdown" yaml:"markdown"`    //
	Text          string `json:"text,omitempty" toml:"text" yaml:"text"`                // generated from the HTML when empty
	PostalAddress string `json:"postal_address,omitempty" toml:"postal_address" yaml:"postal_address"`
	Attachments   []File `json:"attachments,omitempty" toml:"attachments" yaml:"attachments"`
	Inline        []File `json:"inline,omitempty" toml:"inline" yaml:"inline"` // referred to as cid:NAME
}

// File is an attachment or an inline image. In a campaign file Path is read,
// relative to that file, when the campaign is created; the store keeps Data.
type File struct {
	Name string `json:"name" toml:"name" yaml:"name"`
	Path string `json:"-" toml:"path" yaml:"path"`
	Type string `json:"type,omitempty" toml:"type" yaml:"type"` // media type; guessed from Name when empty
	Data []byte `json:"data" toml:"-" yaml:"-"`
}
