package auditd

import "strings"

// names are those of types that the kernel writes as numbers when it has nobody to
// write them to but its own log.
var names = map[string]string{
	"1006": "LOGIN", "1100": "USER_AUTH", "1101": "USER_ACCT", "1103": "CRED_ACQ", "1104": "CRED_DISP", "1105": "USER_START", "1106": "USER_END",
	"1107": "USER_AVC", "1110": "CRED_REFR", "1112": "USER_LOGIN", "1113": "USER_LOGOUT", "1123": "USER_CMD", "1130": "SERVICE_START", "1131": "SERVICE_STOP",
	"1300": "SYSCALL", "1302": "PATH", "1303": "IPC", "1304": "SOCKETCALL", "1305": "CONFIG_CHANGE", "1306": "SOCKADDR", "1307": "CWD", "1309": "EXECVE",
	"1318": "OBJ_PID", "1319": "TTY", "1320": "EOE", "1321": "BPRM_FCAPS", "1322": "CAPSET", "1323": "MMAP", "1324": "NETFILTER_PKT", "1325": "NETFILTER_CFG",
	"1326": "SECCOMP", "1327": "PROCTITLE", "1330": "KERN_MODULE", "1331": "FANOTIFY", "1334": "BPF", "1335": "EVENT_LISTENER", "1400": "AVC", "1701": "ANOM_ABEND",
}

func nameOf(kind string) string {
	if name, ok := names[kind]; ok {
		return name
	}
	if number, ok := strings.CutPrefix(kind, "UNKNOWN["); ok {
		return nameOf(strings.TrimSuffix(number, "]"))
	}
	return kind
}

// single begin the names of what programs write: events of one record each.
var single = []string{"USER_", "CRED_", "SERVICE_", "SYSTEM_", "DAEMON_", "CRYPTO_", "ADD_", "DEL_", "GRP_", "ROLE_", "LABEL_", "VIRT_", "ACCT_"}

// isSingle reports whether an event of such a record has no other.
func isSingle(kind string) bool {
	for _, prefix := range single {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}
