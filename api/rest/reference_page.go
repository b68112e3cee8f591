package rest

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"nightjar/api/codec"
)

// referencePage is the API to be read by people: every operation, and every
// message that one takes or gives, with what the .proto files say of it.
func referencePage(all []binding, raw []string) (string, error) {
	page := apiPage{messages: map[string]pageMessage{}}
	for _, b := range all {
		page.Operations = append(page.Operations, pageOperation{
			Method: strings.ToUpper(b.verb), Path: b.path, Call: string(b.method.FullName()), Text: comment(b.method),
			Takes: page.link(b.method.Input()), Gives: page.link(b.method.Output()),
		})
	}
	for _, pattern := range raw {
		verb, path, _ := strings.Cut(pattern, " ")
		page.Operations = append(page.Operations, pageOperation{Method: verb, Path: path, Text: "Read by its own handler."})
	}
	slices.SortStableFunc(page.Operations, func(a, b pageOperation) int { return strings.Compare(a.Path, b.Path) })
	for _, name := range slices.Sorted(maps.Keys(page.messages)) {
		page.Messages = append(page.Messages, page.messages[name])
	}
	var out strings.Builder
	if err := pageTemplate.Execute(&out, page); err != nil {
		return "", fmt.Errorf("write the page of the API: %w", err)
	}
	return out.String(), nil
}

type apiPage struct {
	Operations []pageOperation
	Messages   []pageMessage
	messages   map[string]pageMessage
}

type pageOperation struct{ Method, Path, Call, Text, Takes, Gives string }

type pageMessage struct {
	Name, Text string
	Fields     []pageField
}

// pageField is a field; Type may be a list or map of what Of names.
type pageField struct{ Name, Type, Of, Text string }

// link is the message's name, if the page has it; it then has those inside too.
func (r *apiPage) link(m protoreflect.MessageDescriptor) string {
	name := string(m.Name())
	if m.FullName().Parent() != "nightjar.v1" {
		return ""
	}
	if _, has := r.messages[name]; has {
		return name
	}
	r.messages[name] = pageMessage{} // it may contain itself
	out := pageMessage{Name: name, Text: comment(m)}
	for i := range m.Fields().Len() {
		fd := m.Fields().Get(i)
		if codec.TypedOf(fd) != nil {
			continue // shown as the field that gRPC has of it
		}
		f := pageField{Name: fd.JSONName(), Type: fd.Kind().String(), Text: comment(fd)}
		value := fd
		switch {
		case fd.IsMap():
			f.Type, value = "map of ", fd.MapValue()
		case fd.IsList():
			f.Type = "list of "
		case fd.Message() != nil:
			f.Type = ""
		}
		if value.Message() != nil {
			if f.Of = r.link(value.Message()); f.Of == "" {
				f.Type += "any value"
			}
		} else if value != fd || fd.IsList() {
			f.Type += value.Kind().String()
		}
		out.Fields = append(out.Fields, f)
	}
	r.messages[name] = out
	return name
}

var pageTemplate = template.Must(template.New("api").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>nightjar</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}td{padding:.2em 1em .2em 0;vertical-align:top}h3{margin-bottom:0}code{overflow-wrap:anywhere}</style>
<h1>nightjar</h1>
<p>A security detection engine. Send the API key as <code>DD-API-KEY</code> or <code>Authorization: Bearer</code>.
The whole API for programs: <a href="/openapi.json">/openapi.json</a>; over gRPC each operation is the call under its path.
Open without a key: <a href="/readyz">/readyz</a>, <a href="/healthz">/healthz</a>.</p>
<h2>Operations</h2>
<table>{{range .Operations}}<tr><td><code>{{.Method}}</code><td><code>{{.Path}}</code>{{with .Call}}<br><small>{{.}}</small>{{end}}<td>{{.Text}}
{{- with .Takes}} Takes <a href="#{{.}}">{{.}}</a>.{{end}}{{with .Gives}} Gives <a href="#{{.}}">{{.}}</a>.{{end}}
{{end}}</table>
<h2>Messages</h2>
{{range .Messages}}<h3 id="{{.Name}}">{{.Name}}</h3>
<p>{{.Text}}</p>
<table>{{range .Fields}}<tr><td><code>{{.Name}}</code><td>{{.Type}}{{with .Of}}<a href="#{{.}}">{{.}}</a>{{end}}<td>{{.Text}}
{{end}}</table>
{{end}}</html>
`))
