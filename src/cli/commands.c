/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#define LIFE "life"
#define LABELS "labels"
#define HOST "host"
#define SEE "see"
#define POLICY "policy"
#define OTHERS "others"

#define DOMAIN                                                               \
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN",                             \
      "name, UUID or id of the domain" }
#define END { NULL, SVIRT_OPTION_FLAG, NULL, NULL }

static const SvirtOption domain_options[] = { DOMAIN, END };

static const SvirtOption define_options[] = {
    { "file", SVIRT_OPTION_REQUIRED, "FILE",
      "domain XML; - reads standard input" },
    { "validate", SVIRT_OPTION_FLAG, NULL,
      "check only, files too; with --format json print the resources" },
    { "author", SVIRT_OPTION_TEXT, "USER",
      "whose file-system rights open what it names (default root)" },
    END,
};

static const SvirtOption undefine_options[] = {
    DOMAIN,
    { "keep-labels", SVIRT_OPTION_FLAG, NULL,
      "leave labels on its files; give them back later with svirt release" },
    { "nvram", SVIRT_OPTION_FLAG, NULL,
      "with the variables of its firmware, where svirt made their file" },
    { "if-transient", SVIRT_OPTION_FLAG, NULL,
      "only if svirt create made it and nobody has defined it since" },
    END,
};

static const SvirtOption list_options[] = {
    { "all", SVIRT_OPTION_FLAG, NULL, "running and shut off domains" },
    { "inactive", SVIRT_OPTION_FLAG, NULL, "shut off domains only" },
    { "state-running", SVIRT_OPTION_FLAG, NULL, "those that run" },
    { "state-paused", SVIRT_OPTION_FLAG, NULL, "those that are paused" },
    { "state-shutoff", SVIRT_OPTION_FLAG, NULL, "those that are shut off" },
    { "state-other", SVIRT_OPTION_FLAG, NULL, "those in any other state" },
    { "persistent", SVIRT_OPTION_FLAG, NULL, "those that stay defined" },
    { "transient", SVIRT_OPTION_FLAG, NULL, "those that end with their run" },
    { "autostart", SVIRT_OPTION_FLAG, NULL, "those that start at boot" },
    { "no-autostart", SVIRT_OPTION_FLAG, NULL, "those that do not" },
    { "name", SVIRT_OPTION_FLAG, NULL, "names only, one a line" },
    { "uuid", SVIRT_OPTION_FLAG, NULL,
      "UUIDs only, one a line; before the name with --name" },
    { "id", SVIRT_OPTION_FLAG, NULL, "ids only, one a line; - for none" },
    { "table", SVIRT_OPTION_FLAG, NULL, "a table: the default" },
    { "title", SVIRT_OPTION_FLAG, NULL, "show titles too" },
    END,
};

static const SvirtOption start_options[] = {
    DOMAIN,
    { "paused", SVIRT_OPTION_FLAG, NULL, "leave the guest's CPUs stopped" },
    { "reset-nvram", SVIRT_OPTION_FLAG, NULL,
      "with the firmware's variables as in their template" },
    { "dry-run", SVIRT_OPTION_FLAG, NULL,
      "print what would be labelled, opened and run" },
    { "console", SVIRT_OPTION_FLAG, NULL, "attach to the console" },
    { "more", SVIRT_OPTION_REST, "DOMAIN",
      "further domains; one that fails does not stop the others" },
    END,
};

static const SvirtOption shutdown_options[] = {
    DOMAIN,
    { "mode", SVIRT_OPTION_TEXT, "acpi|agent", "how to ask" },
    { "wait", SVIRT_OPTION_TEXT, "SECONDS", "until it is shut off" },
    { "or-destroy", SVIRT_OPTION_FLAG, NULL,
      "destroy it if it is not by then" },
    END,
};

static const SvirtOption destroy_options[] = {
    DOMAIN,
    { "graceful", SVIRT_OPTION_FLAG, NULL,
      "only ask the VMM to end; never kill it" },
    END,
};

static const SvirtOption domstate_options[] = {
    DOMAIN,
    { "reason", SVIRT_OPTION_FLAG, NULL, "also say why" },
    END,
};

static const SvirtOption create_options[] = {
    { "file", SVIRT_OPTION_REQUIRED, "FILE",
      "domain XML; - reads standard input" },
    { "paused", SVIRT_OPTION_FLAG, NULL, "leave the guest's CPUs stopped" },
    { "console", SVIRT_OPTION_FLAG, NULL, "attach to the console" },
    END,
};

static const SvirtOption desc_options[] = {
    DOMAIN,
    { "title", SVIRT_OPTION_FLAG, NULL, "the title, not the description" },
    { "new-desc", SVIRT_OPTION_REST, "TEXT",
      "what it shall be; without it, what it is" },
    END,
};

static const SvirtOption domrename_options[] = {
    DOMAIN,
    { "new-name", SVIRT_OPTION_REQUIRED, "NAME", "its new name" },
    END,
};

static const SvirtOption autostart_options[] = {
    { "domain", SVIRT_OPTION_POSITIONAL, "DOMAIN", "the domain" },
    { "disable", SVIRT_OPTION_FLAG, NULL, "no longer" },
    { "order", SVIRT_OPTION_TEXT, "NUMBER",
      "small ones start first and are shut down last (default 1000)" },
    { "delay", SVIRT_OPTION_TEXT, "SECONDS",
      "behind its start, before the next one's (default 0)" },
    { "start", SVIRT_OPTION_FLAG, NULL,
      "start all that are marked, as at boot" },
    END,
};

static const SvirtOption domblklist_options[] = {
    DOMAIN,
    { "details", SVIRT_OPTION_FLAG, NULL, "type and device too" },
    END,
};

static const SvirtOption domblkinfo_options[] = {
    DOMAIN,
    { "device", SVIRT_OPTION_REQUIRED, "DEVICE",
      "a disk's target, as vda, or its source" },
    END,
};

static const SvirtOption dumpxml_options[] = {
    DOMAIN,
    { "inactive", SVIRT_OPTION_FLAG, NULL,
      "the definition, not what a running domain made of it" },
    { "security-info", SVIRT_OPTION_FLAG, NULL, "with passwords" },
    END,
};

static const SvirtOption agent_options[] = {
    DOMAIN,
    { "timeout", SVIRT_OPTION_TEXT, "SECONDS",
      "how long its answer may take (default 30)" },
    { "pretty", SVIRT_OPTION_FLAG, NULL, "indent the answer" },
    { "command", SVIRT_OPTION_REST, "COMMAND",
      "one command of the agent's as JSON" },
    END,
};

static const SvirtOption guestinfo_options[] = {
    DOMAIN,
    { "user", SVIRT_OPTION_FLAG, NULL, "who is logged in" },
    { "os", SVIRT_OPTION_FLAG, NULL, "the operating system" },
    { "timezone", SVIRT_OPTION_FLAG, NULL, "the time zone" },
    { "hostname", SVIRT_OPTION_FLAG, NULL, "the host name" },
    { "filesystem", SVIRT_OPTION_FLAG, NULL, "mounted file systems" },
    { "disk", SVIRT_OPTION_FLAG, NULL, "disks" },
    { "interface", SVIRT_OPTION_FLAG, NULL, "network interfaces" },
    END,
};

static const SvirtOption domifaddr_options[] = {
    DOMAIN,
    { "source", SVIRT_OPTION_TEXT, "agent", "who is asked" },
    END,
};

static const SvirtOption domtime_options[] = {
    DOMAIN,
    { "now", SVIRT_OPTION_FLAG, NULL, "set it to the host's" },
    { "pretty", SVIRT_OPTION_FLAG, NULL, "print it as a date" },
    { "sync", SVIRT_OPTION_FLAG, NULL, "set it from the guest's clock chip" },
    { "time", SVIRT_OPTION_TEXT, "SECONDS", "set it; since 1970" },
    END,
};

static const SvirtOption freeze_options[] = {
    DOMAIN,
    { "mountpoint", SVIRT_OPTION_TEXT, "PATH", "that file system alone" },
    END,
};

static const SvirtOption dompmsuspend_options[] = {
    DOMAIN,
    { "target", SVIRT_OPTION_REQUIRED, "mem|disk|hybrid", "to where" },
    END,
};

static const SvirtOption reboot_options[] = {
    DOMAIN,
    { "mode", SVIRT_OPTION_TEXT, "acpi|agent", "how to ask" },
    END,
};

static const SvirtOption send_key_options[] = {
    DOMAIN,
    { "codeset", SVIRT_OPTION_TEXT, "linux|qnum|xt|rfb|qcode",
      "what the words mean; linux when not given" },
    { "holdtime", SVIRT_OPTION_TEXT, "MS", "how long they are held down" },
    { "keycode", SVIRT_OPTION_REST, "KEY",
      "the keys, pressed together: KEY_A, 30" },
    END,
};

static const SvirtOption screenshot_options[] = {
    DOMAIN,
    { "file", SVIRT_OPTION_POSITIONAL, "FILE",
      "where to; else DOMAIN.ppm here" },
    { "screen", SVIRT_OPTION_TEXT, "NUMBER", "which head, from 0" },
    { "type", SVIRT_OPTION_TEXT, "ppm|png", "else as FILE ends" },
    END,
};

static const SvirtOption domstats_options[] = {
    { "domain", SVIRT_OPTION_REST, "DOMAIN",
      "of these; else of all that run" },
    END,
};

static const SvirtOption event_options[] = {
    { "domain", SVIRT_OPTION_POSITIONAL, "DOMAIN",
      "of this one; else of all that run" },
    { "event", SVIRT_OPTION_TEXT, "EVENT", "lifecycle, reboot, graphics..." },
    { "loop", SVIRT_OPTION_FLAG, NULL, "not the first one alone" },
    { "timeout", SVIRT_OPTION_TEXT, "SECONDS", "for so long at most" },
    END,
};

static const SvirtOption events_options[] = {
    { "domain", SVIRT_OPTION_POSITIONAL, "DOMAIN",
      "of this one; else of all that run" },
    { "event", SVIRT_OPTION_TEXT, "EVENT", "lifecycle, reboot, graphics..." },
    { "follow", SVIRT_OPTION_FLAG, NULL, "not the first one alone" },
    { "timeout", SVIRT_OPTION_TEXT, "SECONDS", "for so long at most" },
    END,
};

static const SvirtOption domdisplay_options[] = {
    DOMAIN,
    { "type", SVIRT_OPTION_TEXT, "TYPE", "vnc or spice; else the first" },
    { "include-password", SVIRT_OPTION_FLAG, NULL, "put it into the URI" },
    { "all", SVIRT_OPTION_FLAG, NULL, "every display" },
    END,
};

static const SvirtOption ttyconsole_options[] = {
    DOMAIN,
    { "devname", SVIRT_OPTION_TEXT, "DEVICE", "serial0, serial1, ..." },
    END,
};

static const SvirtOption console_options[] = {
    DOMAIN,
    { "devname", SVIRT_OPTION_TEXT, "DEVICE", "serial0, serial1, ..." },
    { "force", SVIRT_OPTION_FLAG, NULL, "end another client's session" },
    { "safe", SVIRT_OPTION_FLAG, NULL,
      "show the guest's control sequences as text" },
    END,
};

static const SvirtOption monitor_options[] = {
    DOMAIN,
    { "pretty", SVIRT_OPTION_FLAG, NULL, "indent the answer" },
    { "hmp", SVIRT_OPTION_FLAG, NULL, "a command of the human monitor" },
    { "command", SVIRT_OPTION_REST, "COMMAND",
      "one QMP command as JSON, or with --hmp its words" },
    END,
};

static const SvirtOption release_options[] = {
    { "domain", SVIRT_OPTION_POSITIONAL, "DOMAIN",
      "the domain; without it everything no domain claims any more" },
    { "dry-run", SVIRT_OPTION_FLAG, NULL, "print what would be given back" },
    END,
};

static const SvirtOption relabel_options[] = {
    DOMAIN,
    { "dry-run", SVIRT_OPTION_FLAG, NULL, "print what would be changed" },
    END,
};

static const SvirtOption no_options[] = { END };

static const SvirtOption chain_options[] = {
    { "verb", SVIRT_OPTION_REQUIRED, "show|accept",
      "show what is recorded, or after a change of yours record it anew" },
    DOMAIN,
    { "disk", SVIRT_OPTION_TEXT, "TARGET", "one disk only, as vda" },
    END,
};

static const SvirtOption waiver_options[] = {
    { "verb", SVIRT_OPTION_REQUIRED, "add|list|remove", "what to do" },
    { "domain", SVIRT_OPTION_POSITIONAL, "DOMAIN", "the domain" },
    { "layer", SVIRT_OPTION_TEXT, "LAYER",
      "the rule that a refusal names, as hard-link; or cgroup" },
    { "resource", SVIRT_OPTION_TEXT, "RESOURCE",
      "what for: a disk's target or a path; for cgroup the domain" },
    { "reason", SVIRT_OPTION_TEXT, "TEXT", "why; shown wherever it applies" },
    { "expires", SVIRT_OPTION_TEXT, "DAYS", "days from now (default 30)" },
    { "id", SVIRT_OPTION_TEXT, "NUMBER", "which to remove" },
    END,
};

static const SvirtOption verify_options[] = {
    { "domain", SVIRT_OPTION_REST, "DOMAIN",
      "default: every running domain, and every VM that somebody else runs" },
    { "pid", SVIRT_OPTION_TEXT, "PID", "a process svirt did not start" },
    END,
};

static const SvirtOption selftest_options[] = {
    { "from", SVIRT_OPTION_TEXT, "DOMAIN",
      "attack from inside this running VM's own QEMU" },
    { "against", SVIRT_OPTION_TEXT, "DOMAIN", "the running VM to attack" },
    { "landlock-abi", SVIRT_OPTION_TEXT, "N",
      "pretend the kernel has Landlock ABI N (0: none)" },
    { "layers", SVIRT_OPTION_FLAG, NULL,
      "also find out which layer stops each attempt on its own" },
    { "exec", SVIRT_OPTION_FLAG, NULL,
      "from inside a compartment as svirt exec makes it" },
    END,
};

static const SvirtOption policy_options[] = {
    { "action", SVIRT_OPTION_REQUIRED,
      "install-selinux|install-smack|uninstall-smack", "what to do" },
    { "file", SVIRT_OPTION_TEXT, "FILE",
      "SELinux: the module, if it is not the installed one" },
    { "tree", SVIRT_OPTION_LIST, "DIR",
      "Smack: a directory of the host's, instead of those it would take" },
    { "dry-run", SVIRT_OPTION_FLAG, NULL, "Smack: only say what would be" },
    END,
};

static const SvirtOption exec_options[] = {
    { "name", SVIRT_OPTION_TEXT, "NAME", "the host name the program sees" },
    { "rw", SVIRT_OPTION_LIST, "FILE", "a file it may read and write" },
    { "ro", SVIRT_OPTION_LIST, "FILE", "a file it may read" },
    { "fd", SVIRT_OPTION_LIST, "N=FILE",
      "opened for reading and writing as its descriptor N" },
    { "fd-ro", SVIRT_OPTION_LIST, "N=FILE", "the same for reading" },
    { "net", SVIRT_OPTION_TEXT, "none|passt",
      "its network; passt's is descriptor 3 (default none)" },
    { "tcp-connect", SVIRT_OPTION_LIST, "PORT",
      "a port it may connect to from the host's own network" },
    { "kvm", SVIRT_OPTION_FLAG, NULL, "a /dev/kvm of its own" },
    { "allow", SVIRT_OPTION_LIST, "locks",
      "let it lock its files itself; else svirt does" },
    { "memory", SVIRT_OPTION_TEXT, "MIB", "the most it may use" },
    { "file-size", SVIRT_OPTION_TEXT, "MIB", "how large a file may grow" },
    { "dry-run", SVIRT_OPTION_FLAG, NULL,
      "print how each file would be given to it" },
    { "program", SVIRT_OPTION_REST, "PROGRAM",
      "after --: the program and its arguments" },
    END,
};

const SvirtCommand svirt_commands[] = {
    { "define", LIFE, "define a domain from XML", define_options,
      svirt_cmd_define },
    { "create", LIFE, "start a domain from XML that is gone at its end",
      create_options, svirt_cmd_create },
    { "edit", LIFE, "edit a domain's XML in $VISUAL or $EDITOR",
      domain_options, svirt_cmd_edit },
    { "desc", LIFE, "show or set a domain's description or title",
      desc_options, svirt_cmd_desc },
    { "domrename", LIFE, "give a domain another name", domrename_options,
      svirt_cmd_domrename },
    { "undefine", LIFE, "forget a domain and give its files back",
      undefine_options, svirt_cmd_undefine },
    { "list", LIFE, "list domains", list_options, svirt_cmd_list },
    { "start", LIFE, "start a domain in its compartment", start_options,
      svirt_cmd_start },
    { "run", LIFE, "start a domain and stay until it ends", domain_options,
      svirt_cmd_run },
    { "autostart", LIFE, "start a domain when the host boots",
      autostart_options, svirt_cmd_autostart },
    { "shutdown", LIFE, "ask the guest to shut down", shutdown_options,
      svirt_cmd_shutdown },
    { "reboot", LIFE, "ask the guest to reboot", reboot_options,
      svirt_cmd_reboot },
    { "destroy", LIFE, "stop a domain at once", destroy_options,
      svirt_cmd_destroy },
    { "suspend", LIFE, "stop the guest's CPUs", domain_options,
      svirt_cmd_suspend },
    { "resume", LIFE, "let them run again", domain_options,
      svirt_cmd_resume },
    { "dumpxml", LIFE, "print the definition", dumpxml_options,
      svirt_cmd_dumpxml },
    { "dominfo", LIFE, "what a domain is and what confines it",
      domain_options, svirt_cmd_dominfo },
    { "domstate", LIFE, "print the state", domstate_options,
      svirt_cmd_domstate },
    { "domid", LIFE, "print the id of a running domain", domain_options,
      svirt_cmd_domid },
    { "domname", LIFE, "print the name", domain_options, svirt_cmd_domname },
    { "domuuid", LIFE, "print the UUID", domain_options, svirt_cmd_domuuid },
    { "domblklist", LIFE, "list the disks of a domain", domblklist_options,
      svirt_cmd_domblklist },
    { "domblkinfo", LIFE, "print the size of a disk", domblkinfo_options,
      svirt_cmd_domblkinfo },
    { "blkdeviotune", LIFE, "what a disk may do in a second",
      svirt_blkdeviotune_options, svirt_cmd_blkdeviotune },
    { "domiflist", LIFE, "list the interfaces of a domain", domain_options,
      svirt_cmd_domiflist },
    { "console", LIFE, "attach to a serial console", console_options,
      svirt_cmd_console },
    { "reset", LIFE, "reset the machine, as its button does",
      domain_options, svirt_cmd_reset },
    { "send-key", LIFE, "press keys", send_key_options, svirt_cmd_send_key },
    { "inject-nmi", LIFE, "give the guest's CPUs an NMI", domain_options,
      svirt_cmd_inject_nmi },
    { "screenshot", LIFE, "what the display shows, as a picture",
      screenshot_options, svirt_cmd_screenshot },
    { "setmem", LIFE, "what the balloon leaves a running guest",
      svirt_setmem_options, svirt_cmd_setmem },
    { "setmaxmem", LIFE, "how much memory its guest has from the next start",
      svirt_setmaxmem_options, svirt_cmd_setmaxmem },
    { "setvcpus", LIFE, "how many CPUs its guest has", svirt_setvcpus_options,
      svirt_cmd_setvcpus },
    { "dompmsuspend", LIFE, "have the guest's agent suspend it",
      dompmsuspend_options, svirt_cmd_dompmsuspend },
    { "dompmwakeup", LIFE, "wake a suspended guest", domain_options,
      svirt_cmd_dompmwakeup },
    { "domtime", LIFE, "the guest's time, by its agent", domtime_options,
      svirt_cmd_domtime },
    { "domfsfreeze", LIFE, "have the agent freeze file systems",
      freeze_options, svirt_cmd_domfsfreeze },
    { "domfsthaw", LIFE, "have the agent thaw them", domain_options,
      svirt_cmd_domfsthaw },
    { "domifaddr", LIFE, "the guest's addresses, by its agent",
      domifaddr_options, svirt_cmd_domifaddr },
    { "guestinfo", LIFE, "what the agent tells of the guest",
      guestinfo_options, svirt_cmd_guestinfo },
    { "qemu-agent-command", LIFE, "send a command to the guest's agent",
      agent_options, svirt_cmd_agent_command },
    { "domstats", LIFE, "time, memory and input and output, counted",
      domstats_options, svirt_cmd_domstats },
    { "event", LIFE, "wait for an event of running domains", event_options,
      svirt_cmd_event },
    { "events", LIFE, "the same, with --follow", events_options,
      svirt_cmd_event },
    { "ttyconsole", LIFE, "print the terminal of a serial console",
      ttyconsole_options, svirt_cmd_ttyconsole },
    { "vncdisplay", LIFE, "print where its VNC display is", domain_options,
      svirt_cmd_vncdisplay },
    { "domdisplay", LIFE, "print the URI of its display",
      domdisplay_options, svirt_cmd_domdisplay },
    { "qemu-monitor-command", LIFE,
      "send a command to QEMU; marks the domain tainted", monitor_options,
      svirt_cmd_monitor_command },
    { "label", LABELS, "show the labels of a domain", domain_options,
      svirt_cmd_label },
    { "relabel", LABELS, "give a domain's files the labels they ought to have",
      relabel_options, svirt_cmd_relabel },
    { "release", LABELS, "give files their former owners and labels back",
      release_options, svirt_cmd_release },
    { "recover", LABELS, "finish or undo what a crash left", no_options,
      svirt_cmd_recover },
    { "chain", LABELS, "show or accept the images below a disk",
      chain_options, svirt_cmd_chain },
    { "waiver", LABELS, "one layer waived for one resource, with a reason",
      waiver_options, svirt_cmd_waiver },
    { "selftest", HOST, "attack two throw-away compartments from inside",
      selftest_options, svirt_cmd_selftest },
    { "uri", HOST, "print the connection", no_options, svirt_cmd_uri },
    { "hostname", HOST, "print the host's name", no_options,
      svirt_cmd_hostname },
    { "nodeinfo", HOST, "processors and memory of the host", no_options,
      svirt_cmd_nodeinfo },
    { "capabilities", HOST, "what the host can run, as XML", no_options,
      svirt_cmd_capabilities },
    { "doctor", HOST, "what of the host's security model VMs do without",
      no_options, svirt_cmd_doctor },
    { "verify", SEE, "read back what confines the running VMs",
      verify_options, svirt_cmd_verify },
    { "policy", POLICY, "give the host's policy svirt's own types",
      policy_options, svirt_cmd_policy },
    { "exec", OTHERS, "run any program in a compartment", exec_options,
      svirt_cmd_exec },
    { NULL, NULL, NULL, NULL, NULL },
};
