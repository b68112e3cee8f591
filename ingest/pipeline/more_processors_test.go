package pipeline

import (
	"strings"
	"testing"
	"time"
)

func TestURLParser(t *testing.T) {
	runAll(t, []processed{
		{name: "all of it", processors: `- {type: url-parser, sources: [x, u], target: d}`, attributes: `{"u":"https://h:50/p?a=1%20b&a=2#top"}`, want: `{"u":"https://h:50/p?a=1%20b&a=2#top","d":{"scheme":"https","host":"h","port":50,"path":"/p","queryString":{"a":["1%20b","2"]},"hash":"top"}}`},
		{name: "relative, at the usual places", processors: `- {type: url-parser}`, attributes: `{"http":{"url":"/a/b?c=d"}}`, want: `{"http":{"url":"/a/b?c=d","url_details":{"path":"/a/b","queryString":{"c":"d"}}}}`},
		{name: "slashes at the end", processors: `- {type: url-parser, sources: [u], target: d, normalize_ending_slashes: true}`, attributes: `{"u":"http://h/a//"}`, want: `{"u":"http://h/a//","d":{"scheme":"http","host":"h","path":"/a"}}`},
		{name: "no URL", processors: `- {type: url-parser, sources: [u], target: d}`, attributes: `{"u":"http://h:x/"}`, want: `{"u":"http://h:x/"}`},
		{name: "no text", processors: `- {type: url-parser, sources: [u], target: d}`, attributes: `{"u":1}`, want: `{"u":1}`},
	})
}

func TestUserAgentParser(t *testing.T) {
	runAll(t, []processed{
		{name: "a program", processors: `- {type: user-agent-parser, sources: [a], target: d}`, attributes: `{"a":"Go-http-client/1.1"}`, want: `{"a":"Go-http-client/1.1","d":{"browser":{"family":"Go-http-client","major":"1","minor":"1"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}}`},
		{name: "encoded", processors: `- {type: user-agent-parser, sources: [a], target: d, is_encoded: true}`, attributes: `{"a":"Go-http-client%2F1.1"}`, want: `{"a":"Go-http-client%2F1.1","d":{"browser":{"family":"Go-http-client","major":"1","minor":"1"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}}`},
		{name: "no text", processors: `- {type: user-agent-parser}`, attributes: `{"http":{"useragent":["x"]}}`, want: `{"http":{"useragent":["x"]}}`},
	})
}

func TestGeoIPParser(t *testing.T) {
	runAll(t, []processed{
		{name: "known", processors: `- {type: geo-ip-parser, sources: [x, ip], target: g}`, attributes: `{"ip":"192.0.2.1","g":1}`, want: `{"ip":"192.0.2.1","g":{"country":"NL","latitude":52.5,"longitude":4.75,"country.iso_code":"NL","location":{"latitude":52.5,"longitude":4.75},"ipAddress":"192.0.2.1"}}`},
		{name: "what is written may be changed", processors: "- {type: geo-ip-parser, sources: [ip], target: g}\n- {type: exclude-attribute, attribute_to_exclude: g.latitude}\n- {type: geo-ip-parser, sources: [ip], target: h}\n- {type: exclude-attribute, attribute_to_exclude: g}", attributes: `{"ip":"192.0.2.1"}`, want: `{"ip":"192.0.2.1","h":{"country":"NL","latitude":52.5,"longitude":4.75,"country.iso_code":"NL","location":{"latitude":52.5,"longitude":4.75},"ipAddress":"192.0.2.1"}}`},
		{name: "unknown is empty", processors: `- {type: geo-ip-parser}`, attributes: `{"network":{"client":{"ip":"10.0.0.1"}}}`, want: `{"network":{"client":{"ip":"10.0.0.1","geoip":{}}}}`},
		{name: "no address", processors: `- {type: geo-ip-parser, sources: [ip], target: g}`, attributes: `{"ip":"7.7.7.7.7"}`, want: `{"ip":"7.7.7.7.7","g":{"invalidAddress":"7.7.7.7.7"}}`},
		{name: "an array is no address", processors: `- {type: geo-ip-parser, sources: [ip], target: g}`, attributes: `{"ip":["1.2.3.4"]}`, want: `{"ip":["1.2.3.4"],"g":{"invalidAddress":"[1.2.3.4]"}}`},
		{name: "missing", processors: `- {type: geo-ip-parser}`, want: `{}`},
	})
}

func TestDecoder(t *testing.T) {
	decode := func(encoding, representation string) string {
		return "- {type: decoder-processor, source: a, target: r, binary_to_text_encoding: " + encoding + ", input_representation: " + representation + "}"
	}
	runAll(t, []processed{
		{name: "base64", processors: decode("base64", "utf_8"), attributes: `{"a":"aGk="}`, want: `{"a":"aGk=","r":"hi"}`},
		{name: "base64 without padding, of the other alphabet", processors: decode("base64", "utf_8"), attributes: `{"a":"w7_Dvw"}`, want: `{"a":"w7_Dvw","r":"ÿÿ"}`},
		{name: "base64 that was cut", processors: decode("base64", "utf_8"), attributes: `{"a":"aGVsbG8gd29ybGQhI"}`, want: `{"a":"aGVsbG8gd29ybGQhI","r":"hello world!"}`},
		{name: "a character that was cut", processors: decode("base64", "utf_8"), attributes: `{"a":"YcM="}`, want: `{"a":"YcM=","r":"a"}`},
		{name: "base16", processors: decode("base16", "utf_8"), attributes: `{"a":"6869"}`, want: `{"a":"6869","r":"hi"}`},
		{name: "base16 that was cut", processors: decode("base16", "utf_8"), attributes: `{"a":"68697"}`, want: `{"a":"68697","r":"hi"}`},
		{name: "integer", processors: decode("base16", "integer"), attributes: `{"a":"0000000000000000ff01"}`, want: `{"a":"0000000000000000ff01","r":65281}`},
		{name: "64 bits", processors: decode("base16", "integer"), attributes: `{"a":"ffffffffffffffff"}`, want: `{"a":"ffffffffffffffff","r":18446744073709551615}`},
		{name: "more than 64 bits", processors: decode("base16", "integer"), attributes: `{"a":"01ffffffffffffffff","r":1}`, want: `{"a":"01ffffffffffffffff","r":1}`, problem: "64 bits"},
		{name: "neither", processors: decode("base64", "utf_8"), attributes: `{"a":"*"}`, want: `{"a":"*","r":""}`},
		{name: "no base64", processors: decode("base64", "utf_8"), attributes: `{"a":"****"}`, want: `{"a":"****"}`, problem: "no base64"},
		{name: "bytes that are no text", processors: decode("base16", "utf_8"), attributes: `{"a":"ff00ff"}`, want: `{"a":"ff00ff"}`, problem: "UTF-8"},
	})
}

func TestExclude(t *testing.T) {
	runAll(t, []processed{
		{name: "a subtree, and parents left empty", processors: `- {type: exclude-attribute, attribute_to_exclude: a.b}`, attributes: `{"a":{"b":{"c":1}},"d":2}`, want: `{"d":2}`},
		{name: "no reserved field", processors: `- {type: exclude-attribute, attribute_to_exclude: message}`, attributes: `{"d":2}`, want: `{"d":2}`, fields: "message=the message"},
	})
}

func TestArrayProcessor(t *testing.T) {
	op := func(rest string) string { return "- {type: array-processor, operation: {" + rest + "}}" }
	const headers = `{"h":[{"name":"Host","value":"x"},{"name":"Referrer","value":{"u":1}},{"name":"Referrer","value":3}]}`
	runAll(t, []processed{
		{name: "select", processors: op("type: select, source: h, target: r, filter: 'name:Referrer', value_to_extract: value"), attributes: headers, want: strings.TrimSuffix(headers, "}") + `,"r":{"u":1}}`},
		{name: "select, quoted", processors: op(`type: select, source: h, target: r, filter: 'name:"Host"', value_to_extract: value`), attributes: headers, want: strings.TrimSuffix(headers, "}") + `,"r":"x"}`},
		{name: "select, nothing", processors: op("type: select, source: h, target: r, filter: 'name:None', value_to_extract: value"), attributes: headers, want: headers},
		{name: "length", processors: op("type: length, source: a, target: n"), attributes: `{"a":[1,[2,3]]}`, want: `{"a":[1,[2,3]],"n":2}`},
		{name: "length of no array", processors: op("type: length, source: a, target: n"), attributes: `{"a":"x"}`, want: `{"a":"x"}`},
		{name: "append", processors: op("type: append, source: a, target: l"), attributes: `{"a":"x","l":[1]}`, want: `{"a":"x","l":[1,"x"]}`},
		{name: "append an object to nothing", processors: op("type: append, source: a, target: l, preserve_source: false"), attributes: `{"a":{"b":1}}`, want: `{"l":[{"b":1}]}`},
		{name: "append to a scalar", processors: op("type: append, source: a, target: l"), attributes: `{"a":2,"l":1}`, want: `{"a":2,"l":[1,2]}`},
		{name: "key-value", processors: op("type: key-value, source: t, key_to_extract: name, value_to_extract: value"), attributes: `{"t":[{"name":"a","value":1},{"name":"t2.x","value":"y"},{"value":3},{"name":"a","value":4}]}`, want: `{"t":[{"name":"a","value":1},{"name":"t2.x","value":"y"},{"value":3},{"name":"a","value":4}],"a":1,"t2":{"x":"y"}}`},
		{name: "key-value below a target, with override", processors: op("type: key-value, source: t, target: o, key_to_extract: k, value_to_extract: v, override_on_conflict: true"), attributes: `{"t":[{"k":"a","v":1},{"k":"a","v":2}],"o":{"a":0}}`, want: `{"t":[{"k":"a","v":1},{"k":"a","v":2}],"o":{"a":2}}`},
	})
}

func TestArrayMap(t *testing.T) {
	mapping := func(rest string, processors ...string) string {
		return "- type: array-map-processor\n  source: a\n" + rest + "  processors:\n    " + strings.Join(processors, "\n    ")
	}
	const uid = `- {type: attribute-remapper, sources: [$sourceElem.id], target: $targetElem.uid}`
	runAll(t, []processed{
		{name: "elements become elements", processors: mapping("  target: r\n", uid, `- {type: string-builder-processor, template: "item-%{$sourceElem.id} of %{all}", target: $targetElem.label}`), attributes: `{"a":[{"id":1},{"x":2}],"all":"z"}`, want: `{"a":[{"id":1},{"x":2}],"all":"z","r":[{"uid":1,"label":"item-1 of z"},{}]}`},
		{name: "scalars", processors: mapping("  target: r\n  preserve_source: false\n", `- {type: arithmetic-processor, expression: $sourceElem * 2, target: $targetElem}`), attributes: `{"a":[1,"2"]}`, want: `{"r":[2,4]}`},
		{name: "categories", processors: mapping("  target: r\n", `- {type: category-processor, target: $targetElem.level, categories: [{filter: {query: "@$sourceElem.status:error"}, name: error}, {filter: {query: "*"}, name: info}]}`), attributes: `{"a":[{"status":"error"},{"status":"x"}]}`, want: `{"a":[{"status":"error"},{"status":"x"}],"r":[{"level":"error"},{"level":"info"}]}`},
		{name: "in place", processors: mapping("  target: a\n", uid), attributes: `{"a":[{"id":1},{"id":2,"x":3}]}`, want: `{"a":[{"id":1,"uid":1},{"id":2,"x":3,"uid":2}]}`},
		{name: "onto a target that is there", processors: mapping("  target: r\n", uid), attributes: `{"a":[{"id":1}],"r":[{"x":1},{"y":2}]}`, want: `{"a":[{"id":1}],"r":[{"x":1,"uid":1},{"y":2}]}`},
		{name: "no array", processors: mapping("  target: r\n", uid), attributes: `{"a":{"id":1}}`, want: `{"a":{"id":1}}`},
		{name: "fifty at most", processors: mapping("  target: r\n  preserve_source: false\n", `- {type: string-builder-processor, template: x, target: $targetElem}`), attributes: `{"a":[` + strings.Repeat("1,", 59) + `1]}`, want: `{"r":[` + strings.Repeat(`"x",`, 49) + `"x"]}`},
	})
}

func TestSchemaProcessor(t *testing.T) {
	const head = "- type: schema-processor\n  name: s\n  schema: {schema_type: ocsf, version: 1.5.0, class_uid: 3001, class_name: Account Change}\n  mappers:\n"
	const after = `"class_uid":3001,"class_name":"Account Change","category_uid":3,"category_name":"Identity & Access Management","metadata":{"version":"1.5.0"}`
	const category = `    - type: schema-category-mapper
      name: activity
      categories: [{filter: {query: "@e:Create*"}, id: 1, name: Create}, {filter: {query: "@e:*"}, id: 99, name: Other}]
      targets: {id: ocsf.activity_id, name: ocsf.activity_name}
      fallback: {values: {ocsf.activity_id: "99", ocsf.activity_name: Other}, sources: {ocsf.activity_name: [x, e]}}`
	runAll(t, []processed{
		{name: "remapper", processors: head + "    - {type: schema-remapper, name: m, sources: [u], target: ocsf.user.name}", attributes: `{"u":"ann"}`, want: `{"ocsf":{"user":{"name":"ann"},` + after + `}}`},
		{name: "category", processors: head + category, attributes: `{"e":"CreateUser"}`, want: `{"e":"CreateUser","ocsf":{"activity_id":1,"activity_name":"Create",` + after + `}}`},
		{name: "fallback", processors: head + category, attributes: `{"e":"Weird"}`, want: `{"e":"Weird","ocsf":{"activity_id":99,"activity_name":"Weird",` + after + `}}`},
		{name: "none", processors: head + category, want: `{"ocsf":{` + after + `}}`},
	})
}

func TestGrokParser(t *testing.T) {
	runAll(t, []processed{
		{name: "the message", processors: "- {type: grok-parser, grok: {match_rules: 'r the %{word:what}'}}", attributes: `{"message":"an attribute"}`, want: `{"message":"an attribute","what":"message"}`},
		{name: "an attribute, over what is there", processors: "- {type: grok-parser, source: a, grok: {match_rules: 'r %{word:a.x} %{word:b.y}'}}", attributes: `{"a":"one two","b":{"z":1,"y":2}}`, want: `{"a":{"x":"one"},"b":{"z":1,"y":"two"}}`},
		{name: "a line's end is no part of it", processors: "- {type: scrub, expressions: [{name: x, regex: ' message'}], replacement: \" message\\r\\n\"}\n- {type: grok-parser, grok: {match_rules: 'r the %{word:what}'}}", want: `{"what":"message"}`, fields: ""},
		{name: "no match", processors: "- {type: grok-parser, source: a, grok: {match_rules: 'r %{integer:b}'}}", attributes: `{"a":"x"}`, want: `{"a":"x"}`},
		{name: "no text", processors: "- {type: grok-parser, source: a, grok: {match_rules: 'r %{data:b}'}}", attributes: `{"a":1}`, want: `{"a":1}`},
	})
}

// A time without year and zone is told by what is known from outside.
func TestDatesOfGrokAreToldAsThoseOfTheIntake(t *testing.T) {
	p := pipelineOf(t, "- {type: grok-parser, source: a, grok: {match_rules: 'r %{date(\"MMM d HH:mm:ss\"):t}'}}\n- {type: date-remapper, sources: [t]}")
	for _, c := range []struct {
		year int
		zone *time.Location
		want string
	}{
		{0, nil, "2025-12-31T22:00:00.000Z"}, {2017, nil, "2017-12-31T22:00:00.000Z"}, {0, time.FixedZone("", 3600), "2025-12-31T21:00:00.000Z"},
	} {
		r := recordOf(t, `{"a":"Dec 31 22:00:00"}`)
		r.Year, r.Zone = c.year, c.zone
		NewSet([]*Pipeline{p}, worldOf()).Run(r)
		if r.At.String() != c.want {
			t.Errorf("%d %v: got %v, want %s", c.year, c.zone, r.At, c.want)
		}
	}
}

func TestNestedPipelines(t *testing.T) {
	runAll(t, []processed{
		{name: "see what earlier ones set", processors: "- {type: service-remapper, sources: [kind]}\n- type: pipeline\n  name: inner\n  filter: {query: 'service:queries '}\n  processors:\n    - {type: string-builder-processor, template: yes, target: r}\n- type: pipeline\n  name: other\n  filter: {query: 'service:network'}\n  processors:\n    - {type: string-builder-processor, template: no, target: r}", attributes: `{"kind":"queries"}`, want: `{"kind":"queries","r":"yes"}`},
		{name: "disabled with all in it", processors: "- type: pipeline\n  is_enabled: false\n  processors:\n    - {type: string-builder-processor, template: yes, target: r}", want: `{}`},
		{name: "disabled processor", processors: "- {type: string-builder-processor, template: yes, target: r, is_enabled: false}", want: `{}`},
	})
}
