/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse-media.h"

SVIRT_ENUM_TABLE(SvirtSoundModel, svirt_sound_model, SVIRT_SOUND_MODEL_MAX,
                 [SVIRT_SOUND_AC97] = "ac97", [SVIRT_SOUND_ES1370] = "es1370",
                 [SVIRT_SOUND_SB16] = "sb16", [SVIRT_SOUND_ICH6] = "ich6",
                 [SVIRT_SOUND_ICH9] = "ich9", [SVIRT_SOUND_USB] = "usb",
                 [SVIRT_SOUND_PCSPK] = "pcspk")

SVIRT_ENUM_TABLE(SvirtSoundCodec, svirt_sound_codec, SVIRT_SOUND_CODEC_MAX,
                 [SVIRT_SOUND_CODEC_DUPLEX] = "duplex",
                 [SVIRT_SOUND_CODEC_MICRO] = "micro",
                 [SVIRT_SOUND_CODEC_OUTPUT] = "output")

void
svirt_parse_sound(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                  SvirtSound *sound)
{
    SvirtXmlNode *codec = NULL;

    svirt_parse_info(reader, node, ordinal, &sound->info);
    (void)svirt_reader_required(reader, node, "model"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "model", svirt_sound_model, &sound->model);
    while ((codec = svirt_reader_next(reader, node, codec, "codec"))) {
        SvirtSoundCodec *next = &sound->codecs[sound->codec_count];

        if (sound->codec_count == SVIRT_SOUND_CODECS_MAX ||
            (sound->model != SVIRT_SOUND_ICH6 &&
             sound->model != SVIRT_SOUND_ICH9)) {
            svirt_reader_fail(reader, codec->line, SVIRT_ERROR_INVALID,
                              "remove it",
                              "<codec> fits ich6 and ich9 alone, at most %u",
                              SVIRT_SOUND_CODECS_MAX);
            codec->unread = true;
            return;
        }
        (void)svirt_reader_required(reader, codec, "type");
        SVIRT_READ_ENUM(reader, codec, "type", svirt_sound_codec, next);
        sound->codec_count++;
    }
}
