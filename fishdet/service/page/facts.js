// The catalogue's words, in Korean and English. A word that is not listed is shown as it is.

const TERMS = {
  // zones and waters
  bathydemersal: ["deep sea floor", "심해 바닥"],
  bathypelagic: ["deep open water", "심해 수층"],
  benthopelagic: ["near the bottom", "바닥 근처 수층"],
  demersal: ["at the bottom", "바닥"],
  pelagic: ["open water", "수층"],
  "pelagic-neritic": ["open water near the coast", "연안 수층"],
  "pelagic-oceanic": ["open ocean", "먼바다 수층"],
  "reef-associated": ["around reefs", "암초 주변"],
  marine: ["sea", "바다"],
  brackish: ["brackish water", "기수"],
  freshwater: ["fresh water", "민물"],
  // events and places
  spawning: ["spawning", "산란"],
  birth: ["birth", "출산"],
  "migration to the sea": ["migration to the sea", "바다로 내려감"],
  Korea: ["Korea", "한국"],
  "western Korea": ["western Korea", "한국 서해"],
  "off Incheon": ["off Incheon", "인천 앞바다"],
  // dangers
  venom: ["venom", "독침·독가시"],
  toxin: ["poisonous to eat", "먹으면 위험한 독"],
  ciguatera: ["ciguatera", "시구아테라 독"],
  spines: ["spines", "가시"],
  teeth: ["teeth", "이빨"],
  electric: ["electric shocks", "전기"],
  // measures
  "total length": ["total length", "전장"],
  "fork length": ["fork length", "가랑이 체장"],
  "standard length": ["standard length", "표준 체장"],
  "mantle length": ["mantle length", "외투장"],
  "carapace length": ["carapace length", "두흉갑장"],
  "disc width": ["disc width", "체반폭"],
  NG: ["measured how: not given", "재는 방법 미상"],
  "snout to anus": ["snout to anus", "항문장"],
  carapace: ["carapace", "갑"],
  never: ["may never be caught", "포획 금지"],
  "never with eggs outside": ["may never be caught with eggs outside", "알을 밖에 지닌 것은 포획 금지"],
  // ranks
  species: ["species", "종"], genus: ["genus", "속"], family: ["family", "과"],
  order: ["order", "목"], class: ["class", "강"], group: ["group", "무리"],
};

/** Titles of a card's rows. */
export const TITLES = {
  names: ["Other names", "다른 이름"],
  lineage: ["Belongs to", "분류"],
  similar: ["Traits: how to tell it from similar species", "특징: 닮은 종과 구별하기"],
  size: ["Size", "크기"],
  habitat: ["Habitat", "사는 곳"],
  season: ["Season", "시기"],
  danger: ["Danger", "위험"],
  conservation: ["Red List (IUCN)", "적색 목록(IUCN)"],
  korea_law: ["Catching it in Korea", "한국의 포획 규정"],
  sources: ["Sources", "출처"],
};

export const PHRASES = {
  notKnown: ["not known here", "여기에는 자료 없음"],
  notKnownDanger: ["not known here, which does not mean harmless", "여기에는 자료 없음(안전하다는 뜻이 아님)"],
  notKnownLaw: ["not known here; ask the law", "여기에는 자료 없음. 법령을 확인하세요"],
  upTo: ["up to {n} cm", "최대 {n} cm"],
  common: ["commonly {n} cm", "보통 {n} cm"],
  depth: ["depth {a} to {b} m", "수심 {a}–{b} m"],
  months: ["{event}: months {a} to {b}", "{event}: {a}월–{b}월"],
  minimum: ["Minimum size: longer than {n} cm", "금지 체장: {n} cm 이하"],
  minimumGram: ["Minimum weight: more than {n} g", "금지 체중: {n} g 이하"],
  noMinimum: ["Minimum size: not known here", "금지 체장: 여기에는 자료 없음"],
  females: ["Females: {what}", "암컷: {what}"],
  closed: ["Closed season: {a} to {b}", "금어기: {a}–{b}"],
  noClosed: ["Closed season: not known here", "금어기: 여기에는 자료 없음"],
  lawWarning: [
    "A hint, no advice: the law changes and regions may be stricter.",
    "참고용입니다. 법령은 바뀌며 지역마다 더 엄할 수 있습니다.",
  ],
  law: ["Look at the law", "법령 보기"],
  readOn: ["read on {day}", "{day} 확인"],
  assessed: ["{category} ({year})", "{category} ({year}년)"],
  versus: ["not {name}", "{name}와(과) 다른 점"],
  inEnglish: ["(in English)", "(영어)"],
  noTell: ["what tells them apart is not known here", "구별하는 점은 여기에 자료 없음"],
};

const FIELDS = {
  scientific_name: ["scientific name", "학명"], parent: ["lineage", "분류"], aphia_id: ["WoRMS number", "WoRMS 번호"],
  authority: ["authority", "명명자"], "names.ko": ["Korean names", "한국어 이름"], "names.en": ["English names", "영어 이름"],
  size: TITLES.size, habitat: TITLES.habitat, season: TITLES.season, danger: TITLES.danger,
  similar: ["similar species", "닮은 종"], conservation: TITLES.conservation, korea_law: TITLES.korea_law,
  synonyms: ["synonyms", "이명"],
};

/** A word of the catalogue, as [English, Korean]. */
export const term = (word) => TERMS[word] || [word, word];

/** What a source was read for, as [English, Korean]. */
export const field = (name) => FIELDS[name] || [name, name];

export const knows = (word) => Object.hasOwn(TERMS, word);
