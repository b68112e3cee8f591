package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"nightjar/schema"
)

var firstDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// generator makes events of a company: few users, hosts and addresses do most,
// and many do a little. Equal seeds make equal events.
type generator struct {
	*rand.Rand
	total int
	made  int

	users, addresses, hosts, paths, calls *rand.Zipf
	json                                  []byte
}

func newGenerator(seed uint64, total int) *generator {
	r := rand.New(rand.NewPCG(seed, 42))
	zipf := func(n uint64) *rand.Zipf { return rand.NewZipf(r, 1.3, 20, n-1) }
	return &generator{
		Rand: r, total: total,
		users: zipf(5000), addresses: zipf(60_000), hosts: zipf(800), paths: zipf(3000),
		calls: rand.NewZipf(r, 1.2, 3, uint64(len(awsCalls)-1)),
	}
}

// block makes the next events, none when all are made.
func (g *generator) block(n int) []schema.Event {
	n = min(n, g.total-g.made)
	events := make([]schema.Event, n)
	for i := range events {
		events[i] = g.event()
	}
	return events
}

func (g *generator) event() schema.Event {
	at := schema.MillisOf(firstDay.Add(time.Duration(float64(g.made) / float64(g.total) * float64(time.Duration(*flagDays)*24*time.Hour))))
	g.made++
	e := schema.Event{
		Seq: uint64(g.made), At: at, Seen: at + schema.Millis(g.IntN(1500)), Status: "info",
		Host: "host-" + strconv.FormatUint(g.hosts.Uint64(), 10),
		Tags: []string{one(g, "env:prod", "env:prod", "env:prod", "env:staging"), one(g, "team:platform", "team:payments", "team:web"), "region:" + one(g, regions...)},
	}
	g.json = append(g.json[:0], '{')
	switch n := g.IntN(100); {
	case n < 34:
		g.nginx(&e)
	case n < 54:
		g.cloudtrail(&e)
	case n < 67:
		g.windows(&e)
	case n < 79:
		g.sshd(&e)
	case n < 91:
		g.app(&e)
	case n < 97:
		g.okta(&e)
	default:
		g.kubernetes(&e)
	}
	var err error
	if e.Attributes, err = schema.ParseAttributes(string(append(g.json, '}'))); err != nil {
		panic(fmt.Sprintf("the generator writes broken JSON: %v: %s", err, g.json))
	}
	return e
}

// write adds members, given as text with verbs.
func (g *generator) write(format string, args ...any) {
	if len(g.json) > 1 {
		g.json = append(g.json, ',')
	}
	g.json = fmt.Appendf(g.json, format, args...)
}

func one[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// rarely is true once in n times.
func (g *generator) rarely(n int) bool { return g.IntN(n) == 0 }

func (g *generator) user() string { return "user" + strconv.FormatUint(g.users.Uint64(), 10) }

func (g *generator) address() string {
	n := g.addresses.Uint64()
	if n%3 == 0 {
		return fmt.Sprintf("10.%d.%d.%d", n>>12&15, n>>6&63, n&63+1)
	}
	return fmt.Sprintf("%d.%d.%d.%d", 34+n%97, n>>8&255, n&255, n%251+1)
}

func (g *generator) hex(n int) string {
	return fmt.Sprintf("%016x%016x", g.Uint64(), g.Uint64())[:n]
}

var (
	regions    = []string{"eu-west-1", "us-east-1", "us-east-1", "us-east-1", "ap-southeast-2"}
	userAgents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
		"kube-probe/1.30", "Prometheus/2.55.0", "python-requests/2.32.3", "curl/8.9.1",
	}
	sections = []string{"api/v1/orders", "api/v1/users", "api/v2/search", "static/app", "login", "checkout", "admin/settings", "health"}
	awsCalls = []string{
		"GetObject", "AssumeRole", "DescribeInstances", "PutObject", "GetCallerIdentity", "ListBuckets", "Decrypt", "GenerateDataKey",
		"DescribeSecurityGroups", "ListRoles", "GetSecretValue", "SendMessage", "CreateLogStream", "ConsoleLogin", "RunInstances",
		"AuthorizeSecurityGroupIngress", "AttachRolePolicy", "CreateUser", "CreateAccessKey", "PutBucketPolicy", "DeleteBucket",
		"ScheduleKeyDeletion", "UpdateTrail", "PutUserPolicy", "DeleteFlowLogs", "StopLogging", "DeleteTrail",
	}
	awsServices = []string{"s3", "sts", "ec2", "s3", "sts", "s3", "kms", "kms", "ec2", "iam", "secretsmanager", "sqs", "logs", "signin", "ec2",
		"ec2", "iam", "iam", "iam", "s3", "s3", "kms", "cloudtrail", "iam", "ec2", "cloudtrail", "cloudtrail"}
	images = []string{`C:\\Windows\\System32\\svchost.exe`, `C:\\Windows\\System32\\conhost.exe`, `C:\\Program Files\\Google\\Chrome\\chrome.exe`,
		`C:\\Windows\\explorer.exe`, `C:\\Windows\\System32\\cmd.exe`, `C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`}
)

func (g *generator) nginx(e *schema.Event) {
	e.Source, e.Service = "nginx", one(g, "shop", "shop", "api-gateway", "intranet")
	ip, method := g.address(), one(g, "GET", "GET", "GET", "GET", "POST", "PUT")
	path := fmt.Sprintf("/%s/%d", one(g, sections...), g.paths.Uint64())
	code, agent := one(g, 200, 200, 200, 200, 200, 200, 204, 301, 304, 401, 403, 404, 404), one(g, userAgents...)
	if g.rarely(400) {
		code, e.Status = one(g, 500, 502, 503), "error"
	}
	if g.rarely(5000) {
		path, agent = one(g, "/../../etc/passwd", "/wp-login.php", "/.env", "/cgi-bin/luci"), "sqlmap/1.8.11#stable (https://sqlmap.org)"
	}
	size := g.IntN(60_000)
	e.Message = fmt.Sprintf(`%s - - "%s %s HTTP/1.1" %d %d "-" "%s"`, ip, method, path, code, size, agent)
	g.write(`"http":{"method":"%s","status_code":%d,"url":"%s","version":"1.1","useragent":"%s","url_details":{"path":"%s","host":"%s.example.com"}}`, method, code, path, agent, path, e.Service)
	g.write(`"network":{"client":{"ip":"%s"},"bytes_written":%d},"duration":%.6f`, ip, size, g.ExpFloat64()*0.08)
	if g.rarely(3) {
		g.write(`"upstream":["10.0.0.%d:8080","10.0.0.%d:8080"]`, g.IntN(9), g.IntN(9))
	}
}

func (g *generator) cloudtrail(e *schema.Event) {
	e.Source, e.Service = "cloudtrail", "cloudtrail"
	call := g.calls.Uint64()
	name, user, region := awsCalls[call], g.user(), one(g, regions...)
	kind := one(g, "AssumedRole", "AssumedRole", "AssumedRole", "IAMUser", "AWSService")
	e.Message = fmt.Sprintf("%s by %s in %s", name, user, region)
	g.write(`"evt":{"name":"%s","outcome":"%s"},"eventSource":"%s.amazonaws.com","awsRegion":"%s","eventVersion":"1.09"`, name, one(g, "success", "success", "success", "failure"), awsServices[call], region)
	g.write(`"usr":{"id":"AROA%s:%s","name":"%s"}`, g.hex(12), user, user)
	g.write(`"userIdentity":{"type":"%s","arn":"arn:aws:sts::%012d:assumed-role/%s/%s","accountId":"%012d","accessKeyId":"%s%s","sessionContext":{"attributes":{"mfaAuthenticated":"%t","creationDate":"2026-03-01T00:00:00Z"}}}`,
		kind, 100000+g.IntN(40), one(g, "admin", "deploy", "readonly", "DatadogIntegrationRole"), user, 100000+g.IntN(40), one(g, "ASIA", "ASIA", "AKIA"), g.hex(16), g.rarely(3))
	g.write(`"network":{"client":{"ip":"%s"}},"http":{"useragent":"%s"},"requestID":"%s","readOnly":%t`, g.address(), one(g, "aws-sdk-go-v2/1.32", "aws-cli/2.22.0", "console.amazonaws.com", "Boto3/1.35"), g.hex(32), call < 12)
	if g.rarely(30) {
		e.Status = "error"
		g.write(`"error":{"kind":"%s","message":"User is not authorized"},"level":"Error"`, one(g, "AccessDenied", "AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException"))
	}
	switch awsServices[call] {
	case "s3":
		bucket := fmt.Sprintf("bucket-%d", g.IntN(300))
		g.write(`"requestParameters":{"bucketName":"%s","key":"data/%d"},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::%s/data"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::%s"}]`, bucket, g.paths.Uint64(), bucket, bucket)
	case "ec2":
		g.write(`"requestParameters":{"groupId":"sg-%s","ipPermissions":{"items":[{"fromPort":%d,"toPort":%d,"cidrIp":"%s"},{"fromPort":443,"toPort":443,"cidrIp":"10.0.0.0/8"}]}}`, g.hex(8), one(g, 22, 80, 3389, 443), 65535, one(g, "10.0.0.0/8", "10.0.0.0/8", "0.0.0.0/0"))
	case "iam":
		g.write(`"requestParameters":{"userName":"%s","policyArn":"arn:aws:iam::aws:policy/%s"}`, g.user(), one(g, "ReadOnlyAccess", "AmazonS3FullAccess", "AdministratorAccess"))
	}
}

func (g *generator) windows(e *schema.Event) {
	e.Source, e.Service = "windows.events", "windows"
	id, user := one(g, 4688, 4688, 4624, 4624, 4625, 4634, 4672, 5156, 5156), g.user()
	image, parent := one(g, images...), one(g, images...)
	line := image
	switch {
	case g.rarely(4000):
		line = `powershell.exe -nop -w hidden -EncodedCommand ` + g.hex(32)
	case g.rarely(9000):
		line = `vssadmin.exe delete shadows /all /quiet`
	}
	e.Message = fmt.Sprintf("Event %d: %s on %s", id, one(g, "A new process has been created", "An account was successfully logged on", "The Windows Filtering Platform has permitted a connection"), e.Host)
	g.write(`"evt":{"id":"%d","name":"windows-%d"},"Event":{"System":{"EventID":%d,"Channel":"Security","Computer":"%s","Keywords":"0x8020000000000000","Level":%d}`, id, id, id, e.Host, g.IntN(5))
	g.json = fmt.Appendf(g.json, `,"EventData":{"Data":{"SubjectUserName":"%s","TargetUserName":"%s","LogonType":%d,"NewProcessName":"%s","ParentProcessName":"%s","CommandLine":"%s","IpAddress":"%s"}}}`,
		user, g.user(), one(g, 2, 3, 3, 3, 5, 10), image, parent, line, g.address())
	g.write(`"usr":{"name":"%s"},"process":{"executable":{"path":"%s"},"pid":%d}`, user, image, g.IntN(30_000))
}

func (g *generator) sshd(e *schema.Event) {
	e.Source, e.Service = "sshd", "sshd"
	user, ip, port := g.user(), g.address(), 1024+g.IntN(60_000)
	outcome, verb := "success", "Accepted publickey"
	if g.rarely(4) {
		outcome, verb, user = "failure", one(g, "Failed password", "Failed password", "Failed publickey"), one(g, "root", "admin", "invalid user oracle", user)
		e.Status = "warn"
	}
	e.Message = fmt.Sprintf("%s for %s from %s port %d ssh2", verb, user, ip, port)
	if g.rarely(10) {
		e.Message = fmt.Sprintf("Connection closed by authenticating user %s %s port %d [preauth]", user, ip, port)
	}
	g.write(`"evt":{"name":"authentication","outcome":"%s"},"usr":{"name":"%s"},"network":{"client":{"ip":"%s","port":%d}},"process":{"name":"sshd","pid":%d}`, outcome, user, ip, port, g.IntN(60_000))
}

func (g *generator) app(e *schema.Event) {
	e.Source, e.Service = "java", one(g, "orders", "payments", "inventory", "mailer")
	order, took := g.IntN(5_000_000), g.IntN(2000)
	e.Message = fmt.Sprintf("order %d processed in %d ms by worker-%d", order, took, g.IntN(64))
	if g.rarely(25) {
		kind := one(g, "java.net.SocketTimeoutException", "java.lang.NullPointerException", "org.postgresql.util.PSQLException")
		e.Status, e.Message = "error", fmt.Sprintf("%s: cannot complete order %d: connection refused after %d ms", kind, order, took)
		g.write(`"error":{"kind":"%s","stack":"%s\\n\\tat com.example.Orders.complete(Orders.java:%d)\\n\\tat com.example.Worker.run(Worker.java:88)"}`, kind, kind, g.IntN(400))
	}
	g.write(`"logger":{"name":"com.example.%s","thread_name":"worker-%d"},"order":{"id":%d,"total":%.2f,"items":[{"sku":"sku-%d","qty":%d},{"sku":"sku-%d","qty":1}]}`,
		one(g, "Orders", "Billing", "Stock"), g.IntN(64), order, g.ExpFloat64()*90, g.paths.Uint64(), 1+g.IntN(5), g.paths.Uint64())
	if g.rarely(2) { // half of the teams write it as text
		g.write(`"customer":{"id":%d},"duration":%d`, g.IntN(90_000), took)
	} else {
		g.write(`"customer":{"id":"%d"},"duration":%d.5`, g.IntN(90_000), took)
	}
	g.write(`"labels":["%s","%s"],"trace_id":"%s"`, one(g, "blue", "green"), one(g, "canary", "stable", "stable", "stable"), g.hex(32))
}

func (g *generator) okta(e *schema.Event) {
	e.Source, e.Service = "okta", "okta"
	user := g.user() + "@example.com"
	name := one(g, "user.session.start", "user.authentication.sso", "user.authentication.sso", "policy.evaluate_sign_on", "user.mfa.attempt_bypass", "application.user_membership.add")
	outcome := one(g, "SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS", "FAILURE", "DENY")
	e.Message = fmt.Sprintf("%s %s for %s", name, outcome, user)
	g.write(`"evt":{"name":"%s","outcome":"%s"},"usr":{"id":"00u%s","name":"%s"},"actor":{"type":"User","alternateId":"%s"}`, name, outcome, g.hex(12), user, user)
	g.write(`"network":{"client":{"ip":"%s","geoip":{"country":{"iso_code":"%s"},"location":{"latitude":%.4f,"longitude":%.4f}}}}`, g.address(), one(g, "US", "US", "US", "DE", "GB", "BR", "KP"), g.Float64()*90, g.Float64()*180)
	g.write(`"securityContext":{"asNumber":%d,"isProxy":%t},"target":[{"type":"AppInstance","displayName":"%s"},{"type":"User","displayName":"%s"}],"severity":%d`,
		g.IntN(65_000), g.rarely(50), one(g, "Slack", "GitHub", "Salesforce"), user, g.IntN(10))
}

func (g *generator) kubernetes(e *schema.Event) {
	e.Source, e.Service = "kubernetes.audit", "kube-apiserver"
	verb, resource := one(g, "get", "get", "list", "watch", "create", "delete", "patch"), one(g, "pods", "pods", "secrets", "configmaps", "deployments", "clusterrolebindings")
	user := one(g, "system:serviceaccount:kube-system:node-controller", "system:kube-scheduler", "system:apiserver", g.user())
	e.Message = fmt.Sprintf("%s %s by %s", verb, resource, user)
	g.write(`"http":{"method":"%s","status_code":%d,"useragent":"kubectl/v1.30"},"usr":{"id":"%s"},"objectRef":{"resource":"%s","namespace":"%s","name":"%s-%s"}`, verb, one(g, 200, 200, 200, 201, 403), user, resource, one(g, "default", "kube-system", "payments"), resource, g.hex(6))
	g.write(`"user":{"groups":["system:authenticated","%s"]},"sourceIPs":["%s"],"responseStatus":{"code":%d}`, one(g, "system:masters", "dev", "dev", "ops"), g.address(), one(g, 200, 200, 403))
}
