/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu-private.h"

/* The strings of a table follow one another; table 11 has many of a name. */
static void
add_smbios(SvirtQemuBuilder *builder, const SvirtSysinfo *sysinfo)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < sysinfo->smbios_count; i++) {
        const SvirtSmbiosString *string = &sysinfo->smbios[i];
        g_autofree char *value = svirt_qemu_double_commas(string->value);

        if (text->len == 0) {
            g_string_printf(text, "type=%u", string->table);
        }
        g_string_append_printf(text, ",%s=%s", string->option, value);
        if (i + 1 == sysinfo->smbios_count ||
            string[1].table != string->table) {
            svirt_qemu_add(builder, "-smbios", text->str);
            g_string_truncate(text, 0);
        }
    }
}

void
svirt_qemu_add_sysinfo(SvirtQemuBuilder *builder)
{
    const SvirtSysinfo *sysinfo = &builder->input->domain->sysinfo;

    add_smbios(builder, sysinfo);
    for (size_t i = 0; i < sysinfo->fwcfg_count; i++) {
        g_autofree char *value =
            svirt_qemu_double_commas(sysinfo->fwcfg[i].value);

        svirt_qemu_addf(builder, "-fw_cfg", "name=%s,string=%s",
                        sysinfo->fwcfg[i].name, value);
    }
}
