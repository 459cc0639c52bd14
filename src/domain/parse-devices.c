/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/obstacle.h"
#include "domain/parse-media.h"

/*
 * All devices of one name into one array: `array` and `counter` are members
 * of the domain, `parse` reads one element into one zeroed `Type`. What is an
 * obstacle stays out.
 */
#define READ_ALL(Type, element, array, counter, parse)                         \
    do {                                                                       \
        size_t count_ = svirt_reader_count(devices, element);                  \
        Type *all_ = svirt_arena_array(reader->arena, count_, sizeof(Type));   \
        SvirtXmlNode *node_ = NULL;                                            \
        size_t kept_ = 0;                                                      \
                                                                               \
        for (size_t i_ = 0; i_ < count_; i_++) {                               \
            node_ = svirt_reader_next(reader, devices, node_, element);        \
            if (!svirt_obstacle_take(reader, node_)) {                         \
                parse(reader, node_, i_ + 1, &all_[kept_++]);                  \
            }                                                                  \
            (void)svirt_reader_part(reader);                                   \
        }                                                                      \
        domain->array = all_;                                                  \
        domain->counter = kept_;                                               \
    } while (0)

static size_t
parse_role(SvirtReader *reader, SvirtXmlNode *devices, SvirtChardevRole role,
           SvirtChardev *chardevs, bool *ok)
{
    const char *name = svirt_chardev_role_to_string(role);
    SvirtXmlNode *node = NULL;
    size_t count = 0;
    size_t ordinal = 0;

    while ((node = svirt_reader_next(reader, devices, node, name))) {
        ordinal++;
        if (!svirt_obstacle_take(reader, node)) {
            svirt_parse_chardev(reader, node, ordinal, role,
                                &chardevs[count++]);
        }
        *ok = svirt_reader_part(reader) && *ok;
    }
    return count;
}

/* libvirt keeps the first console and the first serial as one device. */
static void
join_console(SvirtReader *reader, SvirtChardev *chardevs, size_t count)
{
    const SvirtChardev *serial = NULL;

    for (size_t i = 0; i < count; i++) {
        SvirtChardev *chardev = &chardevs[i];

        if (chardev->role == SVIRT_CHARDEV_SERIAL && serial == NULL) {
            serial = chardev;
        }
        if (chardev->role != SVIRT_CHARDEV_CONSOLE ||
            chardev->target != SVIRT_CHARDEV_TARGET_SERIAL) {
            continue;
        }
        if (chardev->info.ordinal > 1) {
            svirt_reader_fail(reader, chardev->info.line, SVIRT_ERROR_INVALID,
                              "use <target type='virtio'/>",
                              "only the first <console> can be a serial port");
        } else if (serial != NULL) {
            chardev->repeats_serial = true;
            if (chardev->type != serial->type ||
                g_strcmp0(chardev->path, serial->path) != 0 ||
                (chardev->log_path != NULL &&
                 g_strcmp0(chardev->log_path, serial->log_path) != 0)) {
                svirt_reader_fail(reader, chardev->info.line,
                                  SVIRT_ERROR_INVALID,
                                  "remove the <console>, or give it a "
                                  "<target type='virtio'/>",
                                  "<console> and the first <serial> in line "
                                  "%u are one device and differ",
                                  serial->info.line);
            }
        }
    }
}

static void
parse_chardevs(SvirtReader *reader, SvirtXmlNode *devices, SvirtDomain *domain)
{
    SvirtChardev *chardevs;
    size_t count = 0;
    bool ok = true;

    for (int role = 0; role < SVIRT_CHARDEV_ROLE_MAX; role++) {
        count += svirt_reader_count(
            devices, svirt_chardev_role_to_string((SvirtChardevRole)role));
    }
    chardevs = svirt_arena_array(reader->arena, count, sizeof(*chardevs));
    domain->chardevs = chardevs;
    count = 0;
    for (int role = 0; role < SVIRT_CHARDEV_ROLE_MAX; role++) {
        count += parse_role(reader, devices, (SvirtChardevRole)role,
                            chardevs + count, &ok);
    }
    domain->chardev_count = count;
    if (ok) {
        join_console(reader, chardevs, count);
        (void)svirt_reader_part(reader);
    }
}

/* Where the guest's sound goes: nowhere, or to who looks at it by SPICE. */
static void
parse_audio(SvirtReader *reader, SvirtXmlNode *devices, SvirtDomain *domain)
{
    SvirtXmlNode *audio = NULL;
    bool spice = false;
    const char *type;

    do {
        audio = svirt_reader_next(reader, devices, audio, "audio");
    } while (audio != NULL && svirt_obstacle_take(reader, audio));

    for (size_t i = 0; i < domain->graphics_count; i++) {
        spice = spice || domain->graphics[i].type == SVIRT_GRAPHICS_SPICE;
    }
    domain->audio_spice = audio == NULL && spice;
    if (audio == NULL) {
        return;
    }
    type = svirt_reader_attribute(reader, audio, "type");
    domain->audio_spice = g_strcmp0(type, "spice") == 0;
    if (domain->audio_spice && !spice) {
        svirt_reader_fail(reader, audio->line, SVIRT_ERROR_INVALID,
                          "add <graphics type='spice'>, or use type='none'",
                          "<audio type='spice'> has no SPICE to go to");
    } else if (type != NULL && !domain->audio_spice &&
               strcmp(type, "none") != 0) {
        svirt_reader_bad_word(reader, audio, "type", type);
    }
}

static void
parse_media(SvirtReader *reader, SvirtXmlNode *devices, SvirtDomain *domain)
{
    size_t usb = svirt_reader_count(devices, "redirdev");
    size_t cards = svirt_reader_count(devices, "smartcard");
    SvirtRedirected *redirected =
        svirt_arena_array(reader->arena, usb + cards, sizeof(*redirected));
    SvirtXmlNode *node = NULL;
    size_t count = 0;

    READ_ALL(SvirtGraphics, "graphics", graphics, graphics_count,
             svirt_parse_graphics);
    READ_ALL(SvirtSound, "sound", sounds, sound_count, svirt_parse_sound);
    READ_ALL(SvirtWatchdog, "watchdog", watchdogs, watchdog_count,
             svirt_parse_watchdog);
    READ_ALL(SvirtHub, "hub", hubs, hub_count, svirt_parse_hub);
    node = svirt_reader_child(reader, devices, "vsock");
    if (node != NULL) {
        svirt_parse_vsock(reader, node, &domain->vsock);
        (void)svirt_reader_part(reader);
    }
    node = NULL;
    for (size_t i = 0; i < usb + cards; i++) {
        node = svirt_reader_next(reader, devices, i == usb ? NULL : node,
                                 i < usb ? "redirdev" : "smartcard");
        if (svirt_obstacle_take(reader, node)) {
            /* It is in no array. */
        } else if (i < usb) {
            svirt_parse_redirdev(reader, node, i + 1, &redirected[count++]);
        } else {
            svirt_parse_smartcard(reader, node, i - usb + 1,
                                  &redirected[count++]);
        }
        (void)svirt_reader_part(reader);
    }
    domain->redirected = redirected;
    domain->redirected_count = count;
    parse_audio(reader, devices, domain);
    (void)svirt_reader_part(reader);
}

/* Devices that svirt gives in no form: now, so that places are compared. */
static void
take_others(SvirtReader *reader, SvirtXmlNode *devices)
{
    SvirtXmlNode *node = devices != NULL ? devices->first_child : NULL;

    for (; node != NULL; node = node->next) {
        if (!node->seen) {
            (void)svirt_obstacle_take(reader, node);
            (void)svirt_reader_part(reader);
        }
    }
}

void
svirt_parse_devices(SvirtReader *reader, SvirtXmlNode *root,
                    SvirtDomain *domain)
{
    SvirtXmlNode *devices = svirt_reader_child(reader, root, "devices");
    SvirtXmlNode *emulator = svirt_reader_child(reader, devices, "emulator");
    SvirtXmlNode *balloon = svirt_reader_child(reader, devices, "memballoon");

    if (emulator != NULL) {
        domain->emulator = svirt_reader_path(reader, emulator, NULL);
        domain->emulator_line = emulator->line;
    }
    (void)svirt_reader_part(reader);
    READ_ALL(SvirtDisk, "disk", disks, disk_count, svirt_parse_disk);
    READ_ALL(SvirtController, "controller", controllers, controller_count,
             svirt_parse_controller);
    READ_ALL(SvirtInterface, "interface", interfaces, interface_count,
             svirt_parse_interface);
    parse_chardevs(reader, devices, domain);
    READ_ALL(SvirtInput, "input", inputs, input_count, svirt_parse_input);
    READ_ALL(SvirtVideo, "video", videos, video_count, svirt_parse_video);
    READ_ALL(SvirtRng, "rng", rngs, rng_count, svirt_parse_rng);
    READ_ALL(SvirtPanic, "panic", panics, panic_count, svirt_parse_panic);
    parse_media(reader, devices, domain);
    if (balloon != NULL) {
        svirt_parse_balloon(reader, balloon, &domain->balloon);
    }
    (void)svirt_reader_part(reader);
    take_others(reader, devices);
}
