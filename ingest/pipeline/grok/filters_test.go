package grok

import (
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
)

func TestFilters(t *testing.T) {
	checkAll(t, []body{
		{`%{data:a:number} %{data:b:integer} %{data:c:numberExt} %{data:d:integerExt}`, `1.5 12 1e3 2E2`, `{"a":1.5,"b":12,"c":1000,"d":200}`},
		{`%{data:a:number} %{data:b:integer}`, `x 1.5`, `{}`}, // the attribute is dropped, the rule matches
		{`%{data:a:boolean} %{data:b:boolean}`, `TRUE yes`, `{"a":true,"b":false}`},
		{`%{number:d:scale(1000000)}`, `0.58`, `{"d":580000}`},
		{`%{data:d:scale(0.5)} %{data:e:scale(2)}`, `3 x`, `{"d":1.5}`},
		{`%{notSpace:a:nullIf("-")} %{notSpace:b:nullIf("-")} %{integer:c:nullIf("0")}`, `- x 7`, `{"b":"x","c":7}`},
		{`%{word:a:lowercase} %{word:b:uppercase}`, `AbC dEf`, `{"a":"abc","b":"DEF"}`},
		{`%{data:a:json}`, `{"x.y":1,"e":{},"s":"","l":[{"p.q":null}]}`, `{"a":{"x":{"y":1},"s":"","l":[{"p":{"q":null}}]}}`},
		{`%{data:a:json}`, `[1,"b"]`, `{"a":[1,"b"]}`},
		{`%{data:a:json}`, `{"x":`, `{}`},
		{`%{data::json}`, `{"x":{"y":true}}`, `{"x":{"y":true}}`},
		{`%{data:a:rubyhash}`, `{:s=>"a\"b", "k"=>'it', n: 1.5, :z=>nil, :t=>true, :y=>:sym, :l=>[1, {:q=>2}], :h=>{}}`, `{"a":{"s":"a\u0022b","k":"it","n":1.5,"t":true,"y":"sym","l":[1,{"q":2}],"h":{}}}`},
		{`%{data:a:rubyhash}`, `{:l=>["a", "b"}`, `{"a":{"l":["a","b"]}}`},
		{`%{data:a:rubyhash}`, `nothing`, `{}`},
		{`%{data:a:querystring}`, `?p=a%20b&q=1&q=2&e=`, `{"a":{"p":"a b","q":["1","2"]}}`},
		{`%{data:a:decodeuricomponent}`, `%2Fservice%2Ftest+x`, `{"a":"/service/test+x"}`},
		{`%{data:a:url}`, `https://h:50/p?x=%20`, `{"a":{"scheme":"https","host":"h","port":50,"path":"/p","queryString":{"x":"%20"}}}`},
		{`%{data:a:useragent}`, `Go-http-client/1.1`, `{"a":{"browser":{"family":"Go-http-client","major":"1","minor":"1"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}}`},
		{`%{data:a:useragent(decodeuricomponent:true)}`, `Go-http-client%2F1.1`, `{"a":{"browser":{"family":"Go-http-client","major":"1","minor":"1"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}}`},
		{`%{data:a:xml}`, `<book category="C&amp;A"><title lang="en">H P</title><author>J</author><author>K</author><year>2005</year></book>`, `{"a":{"book":{"category":"C&A","title":{"lang":"en","value":"H P"},"author":["J","K"],"year":"2005"}}}`},
		{`%{data:a:xml}`, `<?xml version="1.0"?><x:a xmlns:x="u"/>`, `{"a":{"a":{"x":"u"}}}`},
		{`%{data:a:xml}`, `<a><b></a>`, `{}`},
		{`%{data:a:xml}`, `<a b="1&2">x &lt y & z &amp; &#38; &lt;</a>`, `{"a":{"a":{"b":"1&2","value":"x &lt y & z & & <"}}}`},
		{`%{data:a:xml}`, `<a>&lt<b></a>`, `{}`},
		{`%{data:a:csv("x,y,z")}`, `1,,"q ""r"", s",extra`, `{"a":{"x":1,"z":"q \u0022r\u0022, s"}}`},
		{`%{data::csv("x, y,z","tab","'")}`, "a\t'b\tc'\t1.5", `{"x":"a","y":"b\u0009c","z":1.5}`},
		{`%{data:a:csv("x,y",";")}`, "a", `{"a":{"x":"a"}}`},
		{`%{data:a:array}`, `[a, b,c]`, `{"a":["a","b","c"]}`},
		{`%{data:a:array("[]","|")}`, `4|5`, `{"a":["4","5"]}`},
		{`%{data:a:array("[]",",")}`, `4`, `{"a":["4"]}`},
		{`%{data:a:array("{}",";",integer)}`, `{4;5}`, `{"a":[4,5]}`},
		{`%{data:a:array("{}",";",integer)}`, `{4;x}`, `{}`},
		{`%{data:a:array("",";",scale(2))}`, `4;5`, `{"a":[8,10]}`},
		{`%{data:a:array("|")}`, `[4|5]`, `{"a":["4","5"]}`},
		{`%{data:a:array("[]","\\n")}`, "[4\n5]", `{"a":["4","5"]}`},
		{`%{data:a:array("[]",",",array("()","/"))}`, `[(1/2),(3)]`, `{"a":[["1","2"],["3"]]}`},
	})
}

func TestKeyValue(t *testing.T) {
	checkAll(t, []body{
		{`%{data::keyvalue}`, `user=john connect_date=11/08/2017 id=123 action=click`, `{"user":"john","id":123,"action":"click"}`},
		{`%{data::keyvalue("=","/:")}`, `url=https://app.datadoghq.com/event/stream user=john`, `{"url":"https://app.datadoghq.com/event/stream","user":"john"}`},
		{`%{data::keyvalue(": ")}`, `user: john id: 7`, `{"user":"john","id":7}`},
		{`%{data::keyvalue(":")}`, `user: john`, `{}`},
		{`%{data::keyvalue(":=","","<>")}`, `key:=valueStr key1:=</valueStr2> key2:="valueStr3"`, `{"key":"valueStr","key1":"/valueStr2"}`},
		{`%{data::keyvalue}`, `key:=valueStr key1:=</valueStr2>`, `{}`},
		{`%{data::keyvalue("=","","","|")}`, `key1=value1|key2=value2`, `{"key1":"value1","key2":"value2"}`},
		{`%{data::keyvalue("=","","","[]")}`, `x [a=1][b=2] c=3`, `{"a":1,"b":2}`},
		{`%{data::keyvalue}`, `"a"="b c" 'd'='e' <f>=<g>`, `{"a":"b c","d":"e","f":"g"}`},
		{`%{data::keyvalue}`, `a="1" b=1 c=1.5 d=true e=08 f=07 g=null h="" i=-3 j=1e3 k=a,`, `{"a":"1","b":1,"c":1.5,"d":true,"e":"08","f":7,"i":-3,"j":1000,"k":"a"}`},
		{`%{data::keyvalue}`, `a.b=1 a.c=2 x=1 x=2 x=y`, `{"a":{"b":1,"c":2},"x":[1,2,"y"]}`},
		{`%{data::keyvalue}`, `(a=1) {b=2} [c=3],d=4;e=5`, `{"a":1,"b":2,"c":3,"d":4,"e":5}`},
		{`%{data::keyvalue("="," ")}`, `a b=1 c=x y`, `{"c":"x y"}`}, // a key with a space is left out
		{`%{data::keyvalue("=","\\w.\\-_@:")}`, `a=x:y`, `{"a":"x:y"}`},
		{`%{data:kv:keyvalue} end`, `nothing here end`, `{"kv":{}}`},
		{`%{data::keyvalue}`, `a=x!y b=2`, `{"b":2}`},
		{`%{data::keyvalue("="," ,")}`, `a=x, y,b=2`, `{"a":"x, y","b":2}`},
	})
}

func TestDates(t *testing.T) {
	checkAll(t, []body{
		{`%{date("dd/MMM/yyyy:HH:mm:ss Z"):t}`, `06/Mar/2013:01:36:30 +0900`, `{"t":1362501390000}`},
		{`%{date("EEE MMM dd HH:mm:ss yyyy","+3"):t}`, `Thu Jun 16 08:29:03 2016`, `{"t":1466054943000}`},
		{`%{date("EEE MMM dd HH:mm:ss yyyy","UTC+5"):t}`, `Thu Jun 16 08:29:03 2016`, `{"t":1466047743000}`},
		{`%{date("EEE MMM dd HH:mm:ss yyyy","Europe/Paris"):t}`, `Thu Jun 16 08:29:03 2016`, `{"t":1466058543000}`},
		{`%{date("EEE MMM dd HH:mm:ss yyyy"):t}`, `Thu Jun 16 08:29:03 2016`, `{"t":1466065743000}`},
		{`%{date("HH:mm:ss"):t}`, `14:20:15`, `{"t":51615000}`},
		{`%{date("hh:mm:ss a"):t}`, `02:20:15 pm`, `{"t":51615000}`},
		{`%{date("yyyy-MM-dd'T'HH:mm:ss.SSSZ"):t}`, `2016-11-29T16:21:36.431+0000`, `{"t":1480436496431}`},
		{`%{date("yyyy-MM-dd'T'HH:mm:ss.SSSZZ"):t}`, `2016-11-29T16:21:36.431+01:00`, `{"t":1480432896431}`},
		{`%{date("yyyy-MM-dd'T'HH:mm:ss.SSSZ"):t}`, `2016-11-29T16:21:36.431Z`, `{"t":1480436496431}`},
		{`%{date("yyyy-MM-dd HH:mm:ss.SSSSSS"):t}`, `2016-11-29 16:21:36.431999`, `{"t":1480436496431}`},
		{`%{date("yyyyMMdd HHmmss"):t}`, `20161129 162136`, `{"t":1480436496000}`},
		{`%{date("M/d/yy h:m a"):t}`, `1/2/16 3:04 AM`, `{"t":1451703840000}`},
		{`%{date("yyyy-MM-dd HH:mm:ss z"):t}`, `2016-11-29 16:21:36 PST`, `{"t":1480465296000}`},
		{`%{date("yyyy-MM-dd HH:mm:ss zzzz"):t}`, `2016-11-29 16:21:36 America/Los_Angeles`, `{"t":1480465296000}`},
		{`%{date("yyyy D"):t}`, `2016 366`, `{"t":1483142400000}`},
		{`%{date("EEEE d MMMM yyyy","UTC","fr"):t}`, `mardi 29 Novembre 2016`, `{"t":1480377600000}`},
		{`%{date("d MMM yyyy","UTC","fr-FR"):t}`, `29 nov. 2016`, `{"t":1480377600000}`},
		{`%{date("d-MMM-yyyy HH:mm:ss.SSS","UTC"):t}`, `1-Sep-2020 00:00:00.500`, `{"t":1598918400500}`},
		{`%{date("MMM dd HH:mm:ss"):t}`, `Jul 15 11:00:00`, `{"t":1784113200000}`}, // the year of receipt
		{`%{date("MMM dd HH:mm:ss"):t}`, `Dec 31 23:59:59`, `{"t":1767225599000}`}, // it would lie ahead
		{`%{date("MMM dd HH:mm:ss"):t}`, `Feb 29 00:00:00`, `{"t":1709164800000}`}, // the last that was
		{`%{date("HH:mm z"):t} %{date("HH:mm z"):u}`, `00:00 CST 00:00 BST`, `{"t":21600000}`},
		{`%{date("yyyy-MM-dd"):t}`, `2016-02-30`, `{}`}, // no such day
		{`%{date("yyyy-MM-dd"):t}`, `2016-2-3`, `no match`},
		{`%{date("'Q''' yyyy"):t}`, `Q' 2016`, `{"t":1451606400000}`},
		{`%{date("yyyy-MM-dd HH:mm:ss"):t:scale(0.001)}`, `1970-01-01 00:01:00`, `{"t":60}`},
		{`%{integer:ts} %{number:s:scale(1000)}`, `1480436496431 1480436496.431`, `{"ts":1480436496431,"s":1480436496431}`},
	})
}

func TestZones(t *testing.T) {
	for text, hours := range map[string]float64{
		"UTC": 0, "gmt": 0, "UT": 0, "Z": 0, "+3": 3, "-03": -3, "+05:30": 5.5, "+0530": 5.5, "-01:00:36": -1.01,
		"+010036": 1.01, "UTC+5": 5, "GMT-03:30": -3.5, "UT+1": 1, "+18": 18, "Asia/Tokyo": 9, "JST": 9,
	} {
		z := zoneOf(text)
		if z == nil {
			t.Errorf("%s is no zone", text)
			continue
		}
		if _, offset := received.In(z).Zone(); float64(offset)/3600 != hours {
			t.Errorf("%s: %d s", text, offset)
		}
	}
	for _, text := range []string{"", "+", "+19", "+1:00", "+00:60", "Nowhere/Land", "../../etc/passwd", "Local", "+123"} {
		if z := zoneOf(text); z != nil {
			t.Errorf("%q is %s", text, z)
		}
	}
}

// Filters make a bounded number of members, and say how many they left out.
func TestMembersAreBounded(t *testing.T) {
	var pairs, elements, hash strings.Builder
	for i := range MostMembers + 7 {
		fmt.Fprintf(&pairs, "k%d=1 ", i)
		fmt.Fprintf(&elements, "<e%d/>", i)
		fmt.Fprintf(&hash, ":k%d=>1,", i)
	}
	for name, text := range map[string]string{
		"keyvalue": pairs.String(), "xml": "<x>" + elements.String() + "</x>", "rubyhash": "{" + hash.String() + "}",
	} {
		p, err := Compile("r %{data:a:"+name+"}", "")
		if err != nil {
			t.Fatal(err)
		}
		var arena fastjson.Arena
		c := &Context{Received: received, Arena: &arena}
		found, _, err := p.Parse(c, text)
		if err != nil || c.LeftOut != 7 {
			t.Errorf("%s: %d left out, %v", name, c.LeftOut, err)
		}
		object := found.Get("a")
		if x := object.Get("x"); x != nil {
			object = x
		}
		if n := object.GetObject().Len(); n != MostMembers {
			t.Errorf("%s: %d members", name, n)
		}
		if _, _, err := p.Parse(c, "a=1"); err != nil || c.LeftOut != 0 {
			t.Errorf("%s: the next text has %d left out", name, c.LeftOut)
		}
	}
}

// What is nested deep is refused at once: its validation would take minutes.
func TestJSONThatIsNestedDeepIsRefused(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 400_000), strings.Repeat(`{"a":`, 100_000)} {
		if v := parseJSON(&Context{Arena: new(fastjson.Arena)}, text); v != nil {
			t.Errorf("%d bytes became %s", len(text), v)
		}
	}
}
