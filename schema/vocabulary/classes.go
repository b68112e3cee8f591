package vocabulary

import "strings"

// class is a class of OCSF, as far as it is filled in.
type class struct {
	uid      int
	name     string
	category string
	// activities are by what evt.name, or the method of HTTP, says; those of a class
	// have ids that the framework numbers. other is the one of anything else.
	activities map[string]activity
	other      activity
	// required are the members without which an event is none of the class; of those
	// in one string, separated by |, one must be there.
	required []string
}

type activity struct {
	id   int
	name string
}

var (
	unknownActivity = activity{0, "Unknown"}
	otherActivity   = activity{99, "Other"}
)

// The classes. The last is what an event is that lacks what its class requires.
var (
	fileActivity = class{
		uid: 1001, name: "File System Activity", category: "System Activity", other: otherActivity, required: []string{"actor.process|actor.user", "device", "file.name"},
		activities: map[string]activity{
			"file_created": {1, "Create"}, "file_opened": {14, "Open"}, "file_read": {2, "Read"}, "file_modified": {3, "Update"}, "file_deleted": {4, "Delete"},
			"file_renamed": {5, "Rename"}, "file_attributes_changed": {6, "Set Attributes"}, "file_creation_time_changed": {6, "Set Attributes"},
		},
	}
	processActivity = class{
		uid: 1007, name: "Process Activity", category: "System Activity", other: otherActivity, required: []string{"actor.process|actor.user", "device", "process.name|process.pid|process.uid|process.file"},
		activities: map[string]activity{
			"process_started": {1, "Launch"}, "exec": {1, "Launch"}, "execve": {1, "Launch"}, "process_ended": {2, "Terminate"}, "exit": {2, "Terminate"},
			"process_accessed": {3, "Open"}, "remote_thread_created": {4, "Inject"}, "process_tampered": {4, "Inject"},
		},
	}
	detectionFinding = class{
		uid: 2004, name: "Detection Finding", category: "Findings", other: activity{1, "Create"}, required: []string{"finding_info.title", "finding_info.uid"},
	}
	accountChange = class{
		uid: 3001, name: "Account Change", category: "Identity & Access Management", other: otherActivity, required: []string{"user.name|user.uid"},
		activities: map[string]activity{
			"user_created": {1, "Create"}, "user_enabled": {2, "Enable"}, "password_changed": {3, "Password Change"}, "password_reset": {4, "Password Reset"},
			"user_disabled": {5, "Disable"}, "user_deleted": {6, "Delete"}, "user_locked": {9, "Lock"},
		},
	}
	authenticationClass = class{
		uid: 3002, name: "Authentication", category: "Identity & Access Management", other: otherActivity, required: []string{"user.name|user.uid|user.email_addr"},
		activities: map[string]activity{
			"authentication": {1, "Logon"}, "session_opened": {1, "Logon"}, "explicit_credential_logon": {1, "Logon"}, "logoff": {2, "Logoff"}, "session_closed": {2, "Logoff"},
			"kerberos_tgt_request": {3, "Authentication Ticket"}, "kerberos_service_ticket_request": {4, "Service Ticket Request"}, "kerberos_service_ticket_renewed": {5, "Service Ticket Renew"},
			"kerberos_preauthentication": {6, "Preauth"},
		},
	}
	networkActivity = class{
		uid: 4001, name: "Network Activity", category: "Network Activity", other: activity{6, "Traffic"}, required: []string{"src_endpoint|dst_endpoint"},
		activities: map[string]activity{"connection_opened": {1, "Open"}, "connect": {1, "Open"}, "connection_closed": {2, "Close"}, "connection_reset": {3, "Reset"}, "connection_refused": {5, "Refuse"}},
	}
	httpActivity = class{
		uid: 4002, name: "HTTP Activity", category: "Network Activity", other: otherActivity, required: []string{"http_request|http_response", "src_endpoint|dst_endpoint"},
		activities: map[string]activity{
			"connect": {1, "Connect"}, "delete": {2, "Delete"}, "get": {3, "Get"}, "head": {4, "Head"}, "options": {5, "Options"}, "post": {6, "Post"}, "put": {7, "Put"}, "trace": {8, "Trace"},
		},
	}
	dnsActivity = class{
		uid: 4003, name: "DNS Activity", category: "Network Activity", other: activity{6, "Traffic"}, required: []string{"query.hostname", "src_endpoint|dst_endpoint|device"},
		activities: map[string]activity{"dns_query": {1, "Query"}, "dns_response": {2, "Response"}},
	}
	apiActivity = class{
		uid: 6003, name: "API Activity", category: "Application Activity", other: otherActivity, required: []string{"actor.user", "api.operation", "src_endpoint"},
	}
	baseEvent = class{uid: 0, name: "Base Event", category: "Uncategorized", other: unknownActivity}
)

// verbs are how names of API calls begin, by the activity that they are.
var verbs = []struct {
	activity
	words []string
}{
	{activity{1, "Create"}, []string{"create", "add", "put", "run", "insert", "attach", "upload", "register", "import", "grant", "allocate", "invite"}},
	{activity{2, "Read"}, []string{"get", "list", "describe", "read", "view", "download", "lookup", "search", "head", "select", "check"}},
	{activity{3, "Update"}, []string{"update", "modify", "set", "change", "enable", "disable", "patch", "edit", "replace", "start", "stop", "associate", "reset", "rename"}},
	{activity{4, "Delete"}, []string{"delete", "remove", "terminate", "detach", "revoke", "deregister", "purge", "destroy"}},
}

// activityOf is what the event tells of.
func (c *class) activityOf(name string) activity {
	if a, ok := c.activities[strings.ToLower(name)]; ok {
		return a
	}
	if c.uid != apiActivity.uid {
		return c.other
	}
	last := strings.ToLower(name[strings.LastIndexAny(name, ".:/")+1:])
	for _, v := range verbs {
		for _, w := range v.words {
			if strings.HasPrefix(last, w) {
				return v.activity
			}
		}
	}
	return c.other
}

// nameIn is what a name of the table is called in the class: a process that acts is
// its actor's, and who logs in is its user.
func (c *class) nameIn(name string) string {
	if rest, ok := strings.CutPrefix(name, "process."); ok && c.uid != processActivity.uid {
		return "actor.process." + rest
	}
	if rest, ok := strings.CutPrefix(name, "process.parent_process."); ok {
		return "actor.process." + rest
	}
	if rest, ok := strings.CutPrefix(name, "actor.user."); ok && c.uid == authenticationClass.uid {
		return "user." + rest
	}
	return name
}

// generalName is the table's name for one that classes have: the inverse of nameIn.
// A process's actor is its parent in one class and itself in all others, so it is
// taken for the process itself.
func generalName(name string) string {
	if rest, ok := strings.CutPrefix(name, "actor.process."); ok {
		return "process." + rest
	}
	if rest, ok := strings.CutPrefix(name, "user."); ok {
		return "actor.user." + rest
	}
	return name
}
