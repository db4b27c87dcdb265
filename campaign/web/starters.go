package web

// starter is a text to begin with.
type starter struct{ Name, Means, Subject, Preheader, Markdown string }

var starters = []starter{
	{"Newsletter", "several short pieces", "{{ first_name | default: \"Hello\" }}, what is new", "Three things that happened since the last letter.", `# What is new

Dear {{ first_name | default: "reader" }},

three things happened since our last letter.

## The first piece

Say in two sentences what it is about, and link to the rest.

[Read on](https://example.org/first)

## The second piece

A list is easy to read:

- one thing,
- another thing,
- and the last.

## The third piece

Close with what you would like people to do.

Warm regards,
your team
`},
	{"Announcement", "one thing, and a link", "Something new for you", "It is here, and this is what it does.", `# Something new

Dear {{ first_name | default: "reader" }},

say in one sentence what is new, and in a second one why it matters to the reader.

**[Have a look](https://example.org/new)**

If you have a question, just answer this mail.
`},
	{"Letter", "from one person to another", "A few words", "", `Dear {{ first_name | default: "reader" }},

write as you would to one person.

Kind regards,
Your name
`},
}
