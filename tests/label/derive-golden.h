/* SPDX-License-Identifier: LGPL-2.1-or-later */
    { "full-range", "c7a5fdbd-edaf-9455-926a-d65c16db1809", 0, 1023,
      "c41,c109,c135,c163,c216,c425,c546,c755" },
    { "full-range-second", "00000000-0000-0000-0000-000000000001", 0, 1023,
      "c15,c37,c46,c139,c209,c699,c809,c924" },
    { "full-range-third", "8f3c1c7e-2d1b-4f6e-9a57-0d8a4b1f6c22", 0, 1023,
      "c140,c220,c329,c505,c519,c681,c748,c793" },
    { "upper-half", "c7a5fdbd-edaf-9455-926a-d65c16db1809", 512, 1023,
      "c522,c526,c582,c616,c641,c692,c704,c816,c838,c991" },
    { "least-derived", "c7a5fdbd-edaf-9455-926a-d65c16db1809", 0, 67,
      "c2,c5,c7.c9,c13,c17,c21.c25,c31,c34.c36,c38.c40,c43.c47"
      ",c51.c53,c56,c60,c61,c63" },
    { "claimed", "c7a5fdbd-edaf-9455-926a-d65c16db1809", 0, 15,
      "c1.c3,c5,c8,c11,c13,c14" },
