package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign/web/api"
)

// docOperation is an operation of the API as its page shows it.
type docOperation struct {
	Method, Path, Summary, Means string
	Needs                        string
	Params                       []docParam
	Request, Response            string // JSON with the types in the places of the values, or words
	Status                       string // of success
}

type docParam struct{ Name, In, Type, Text string }

type docTag struct {
	Name, Means string
	Operations  []docOperation
}

type docsView struct {
	Tags []docTag
	Base string
}

// showDocs makes the OpenAPI document readable.
func showDocs(v *visit) error {
	doc := v.app.api.OpenAPI()
	scheme := "http://"
	if v.secure {
		scheme = "https://"
	}
	needs := map[string]string{}
	for _, op := range v.app.api.Operations() {
		needs[op.ID] = op.Need.String()
	}
	body := docsView{Base: scheme + v.r.Host + api.Prefix}
	for _, tag := range doc.Tags {
		t := docTag{Name: tag.Name, Means: tag.Description}
		for path, item := range doc.Paths {
			for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
				if op != nil && slices.Contains(op.Tags, tag.Name) {
					t.Operations = append(t.Operations, documented(doc, path, op, needs[op.OperationID]))
				}
			}
		}
		slices.SortFunc(t.Operations, func(x, y docOperation) int {
			return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Method, y.Method))
		})
		if len(t.Operations) > 0 {
			body.Tags = append(body.Tags, t)
		}
	}
	return v.render(http.StatusOK, "docs", "API", body)
}

func documented(doc *huma.OpenAPI, path string, op *huma.Operation, needs string) docOperation {
	out := docOperation{Method: op.Method, Path: path, Summary: op.Summary, Means: op.Description, Needs: needs}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docParam{p.Name, p.In, kindOf(p.Schema), p.Description})
	}
	if op.RequestBody != nil {
		out.Request = contentText(doc, op.RequestBody.Content)
	}
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") {
			out.Status, out.Response = status, contentText(doc, r.Content)
		}
	}
	return out
}

// kindOf says in words what a parameter may be.
func kindOf(s *huma.Schema) string {
	if len(s.Enum) == 0 {
		return s.Type
	}
	words := make([]string, len(s.Enum))
	for i, value := range s.Enum {
		words[i] = strings.Trim(jsonText(value), `"`)
	}
	return "one of " + strings.Join(words, ", ")
}

func contentText(doc *huma.OpenAPI, content map[string]*huma.MediaType) string {
	for kind, media := range content {
		if strings.Contains(kind, "json") && media.Schema != nil {
			return jsonText(shape(doc, media.Schema, 0))
		}
		return "as " + kind
	}
	return ""
}

// shapeDepth is how deep a value's types are shown.
const shapeDepth = 6

// shape is an example of a schema that has types where the values are.
func shape(doc *huma.OpenAPI, s *huma.Schema, depth int) any {
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > shapeDepth:
		return "…"
	case s.Type == huma.TypeArray:
		return []any{shape(doc, s.Items, depth+1)}
	case s.Type == huma.TypeObject:
		fields := map[string]any{}
		for name, property := range s.Properties {
			fields[name] = shape(doc, property, depth+1)
		}
		if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
			fields["…"] = shape(doc, extra, depth+1)
		}
		return fields
	case s.Format != "":
		return s.Format
	case s.Type == "":
		return "any JSON"
	}
	return s.Type
}

func jsonText(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err.Error() // of plain maps and strings: it can't be
	}
	return strings.TrimSpace(b.String())
}
