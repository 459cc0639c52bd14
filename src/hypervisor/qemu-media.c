/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/qemu-private.h"

/* Displays, sound, watchdogs, and what a viewer brings along. */

#define AUDIO "audio1"

static void
add_vnc(SvirtQemuBuilder *builder, const SvirtGraphics *graphics,
        const char *secret)
{
    g_autoptr(GString) text = g_string_new("none");

    if (secret != NULL) {
        g_string_append_printf(text, ",password-secret=%s", secret);
    }
    if (graphics->share != NULL) {
        g_string_append_printf(text, ",share=%s", graphics->share);
    }
    if (builder->input->domain->sound_count > 0) {
        g_string_append(text, ",audiodev=" AUDIO);
    }
    svirt_qemu_add(builder, "-vnc", text->str);
}

void
svirt_qemu_add_graphics(SvirtQemuBuilder *builder)
{
    const SvirtQemuInput *input = builder->input;

    for (size_t i = 0; i < input->domain->graphics_count; i++) {
        const SvirtGraphics *graphics = &input->domain->graphics[i];
        g_autofree char *secret = NULL;

        if (graphics->password != NULL) {
            secret = g_strdup_printf("graphics%zu", i);
            svirt_qemu_addf(builder, "-object",
                            "secret,id=%s,file=/proc/self/fd/%d", secret,
                            input->password_fds[i]);
        }
        if (graphics->keymap != NULL) {
            svirt_qemu_add(builder, "-k", graphics->keymap);
        }
        if (graphics->type == SVIRT_GRAPHICS_VNC) {
            add_vnc(builder, graphics, secret);
        } else {
            svirt_qemu_addf(builder, "-spice", "%s%s%s",
                            secret != NULL ? "password-secret="
                                           : "disable-ticketing=on",
                            secret != NULL ? secret : "",
                            graphics->spice_options);
        }
    }
}

static void
set_audio(json_t *device)
{
    json_object_set_new(device, "audiodev", json_string(AUDIO));
}

/* An HDA controller makes no sound: its codecs do. */
static bool
add_hda(SvirtQemuBuilder *builder, const SvirtSound *sound, const char *id,
        GError **error)
{
    static const SvirtSoundCodec duplex[] = { SVIRT_SOUND_CODEC_DUPLEX };
    const SvirtSoundCodec *codecs =
        sound->codec_count > 0 ? sound->codecs : duplex;
    size_t count = MAX(sound->codec_count, 1);
    g_autofree char *bus = g_strdup_printf("%s.0", id);

    if (!svirt_qemu_add_pci(
            builder,
            svirt_qemu_device(sound->model == SVIRT_SOUND_ICH6
                                  ? "intel-hda"
                                  : "ich9-intel-hda",
                              id, 0),
            &sound->info, "a sound device", error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        g_autofree char *codec = g_strdup_printf("%s-codec%zu", id, i);
        g_autofree char *driver = g_strdup_printf(
            "hda-%s", svirt_sound_codec_to_string(codecs[i]));
        json_t *device = svirt_qemu_device(driver, codec, 0);

        json_object_set_new(device, "bus", json_string(bus));
        json_object_set_new(device, "cad", json_integer((json_int_t)i));
        set_audio(device);
        svirt_qemu_add_json(builder, "-device", device);
    }
    return true;
}

static bool
add_sound(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtSound *sound = &builder->input->domain->sounds[index];
    g_autofree char *id = g_strdup_printf("sound%zu", index);
    json_t *device;

    switch (sound->model) {
    case SVIRT_SOUND_ICH6:
    case SVIRT_SOUND_ICH9:
        return add_hda(builder, sound, id, error);
    case SVIRT_SOUND_PCSPK:
        svirt_qemu_add(builder, "-machine", "pcspk-audiodev=" AUDIO);
        return true;
    case SVIRT_SOUND_SB16:
        device = svirt_qemu_device("sb16", id, 0);
        set_audio(device);
        svirt_qemu_add_json(builder, "-device", device);
        return true;
    case SVIRT_SOUND_USB:
        device = svirt_qemu_device("usb-audio", id, 0);
        set_audio(device);
        return svirt_qemu_add_usb(builder, device, &sound->info,
                                  "a sound device", error);
    case SVIRT_SOUND_AC97:
    case SVIRT_SOUND_ES1370:
        device = svirt_qemu_device(
            sound->model == SVIRT_SOUND_AC97 ? "AC97" : "ES1370", id, 0);
        set_audio(device);
        return svirt_qemu_add_pci(builder, device, &sound->info,
                                  "a sound device", error);
    case SVIRT_SOUND_MODEL_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
add_watchdog(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtWatchdog *watchdog = &builder->input->domain->watchdogs[index];
    g_autofree char *id = g_strdup_printf("watchdog%zu", index);

    if (index == 0) {
        svirt_qemu_addf(builder, "-action", "watchdog=%s",
                        svirt_watchdog_action_to_string(watchdog->action));
    }
    switch (watchdog->model) {
    case SVIRT_WATCHDOG_I6300ESB:
        return svirt_qemu_add_pci(builder,
                                  svirt_qemu_device("i6300esb", id, 0),
                                  &watchdog->info, "a watchdog", error);
    case SVIRT_WATCHDOG_IB700:
        svirt_qemu_add_json(builder, "-device",
                            svirt_qemu_device("ib700", id, 0));
        return true;
    case SVIRT_WATCHDOG_ITCO:
        if (!builder->pcie) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "use model='i6300esb', or the machine q35",
                               "line %u: only the machine q35 has an iTCO "
                               "watchdog",
                               watchdog->info.line);
        }
        svirt_qemu_add(builder, "-global", "ICH9-LPC.noreboot=off");
        return true;
    case SVIRT_WATCHDOG_MODEL_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
add_redirected(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtRedirected *redirected =
        &builder->input->domain->redirected[index];
    g_autofree char *id = g_strdup_printf("redirected%zu", index);
    g_autofree char *backend = g_strdup_printf("charredirected%zu", index);
    json_t *device;

    svirt_qemu_addf(builder, "-chardev", "spicevmc,id=%s,name=%s", backend,
                    redirected->smartcard ? "smartcard" : "usbredir");
    if (redirected->smartcard) {
        if (!svirt_qemu_add_usb(builder,
                                svirt_qemu_device("usb-ccid", "ccid0", 0),
                                &redirected->info, "a smart card reader",
                                error)) {
            return false;
        }
        device = svirt_qemu_device("ccid-card-passthru", id, 0);
        json_object_set_new(device, "bus", json_string("ccid0.0"));
        json_object_set_new(device, "chardev", json_string(backend));
        svirt_qemu_add_json(builder, "-device", device);
        return true;
    }
    device = svirt_qemu_device("usb-redir", id, redirected->info.boot_order);
    json_object_set_new(device, "chardev", json_string(backend));
    return svirt_qemu_add_usb(builder, device, &redirected->info,
                              "a redirected device", error);
}

bool
svirt_qemu_add_hubs(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->hub_count; i++) {
        g_autofree char *id = g_strdup_printf("hub%zu", i);

        if (!svirt_qemu_add_usb(builder, svirt_qemu_device("usb-hub", id, 0),
                                &domain->hubs[i].info, "a hub", error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_qemu_add_media(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;
    bool ok = true;

    if (domain->sound_count > 0) {
        svirt_qemu_addf(builder, "-audiodev", "%s,id=" AUDIO,
                        domain->audio_spice ? "spice" : "none");
    }
    for (size_t i = 0; ok && i < domain->sound_count; i++) {
        ok = add_sound(builder, i, error);
    }
    for (size_t i = 0; ok && i < domain->watchdog_count; i++) {
        ok = add_watchdog(builder, i, error);
    }
    for (size_t i = 0; ok && i < domain->redirected_count; i++) {
        ok = add_redirected(builder, i, error);
    }
    return ok;
}
