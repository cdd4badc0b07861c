// make-words.mjs: word lists of the npm package @faker-js/faker -> src/word_data.c
//
//   npm install --prefix /tmp/words @faker-js/faker@10.6.0
//   node data/make-words.mjs /tmp/words/node_modules/@faker-js/faker > src/word_data.c
//
// Only what is plain ASCII is taken, and of long lists every n'th word: the
// same on each run.  The order of words decides which rows a seed makes.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const dir = resolve(process.argv[2]);
const { en, base } = await import(pathToFileURL(`${dir}/dist/index.js`));
const { version } = JSON.parse(readFileSync(`${dir}/package.json`, 'utf8'));

const lists = {
	first_name: [[...en.person.first_name.female, ...en.person.first_name.male], 400],
	last_name: [en.person.last_name.generic, 473],
	job_descriptor: [en.person.job_descriptor, 30],
	job_area: [en.person.job_area, 40],
	job_type: [en.person.job_type, 30],
	city: [en.location.city_name, 400],
	street: [en.location.street_name, 300],
	state: [en.location.state, 50],
	country: [en.location.country, 250],
	country_code: [base.location.country_code.map((c) => c.alpha2), 250],
	time_zone: [base.location.time_zone, 100],
	language: [en.location.language.map((l) => l.name), 71],
	language_code: [en.location.language.map((l) => l.alpha2), 71],
	company_suffix: [en.company.legal_entity_type, 4],
	buzz_adjective: [en.company.buzz_adjective, 64],
	buzz_noun: [en.company.buzz_noun, 64],
	buzz_verb: [en.company.buzz_verb, 64],
	product_adjective: [en.commerce.product_name.adjective, 30],
	product_material: [en.commerce.product_name.material, 20],
	product: [en.commerce.product_name.product, 30],
	department: [en.commerce.department, 30],
	color: [en.color.human, 31],
	currency_code: [en.finance.currency.map((c) => c.code), 160],
	genre: [en.book.genre, 25],
	adjective: [en.word.adjective, 400],
	noun: [en.word.noun, 400],
	verb: [en.word.verb, 300],
	lorem: [en.lorem.word, 300],
	mime_type: [Object.keys(base.system.mime_type), 60],
};

function pick(words, limit)
{
	const plain = [...new Set(words)].filter((w) => /^[ -~]+$/.test(w) && !/["\\?]/.test(w));
	if (plain.length <= limit)
		return plain;
	return Array.from({ length: limit }, (_, i) => plain[Math.floor((i * plain.length) / limit)]);
}

const licence = readFileSync(`${dir}/LICENSE`, 'utf8').split('\n===')[0].trim();
const out = [`/*
 * word_data.c
 *	  The words that factories make values of.
 *
 * Written by data/make-words.mjs from @faker-js/faker ${version}, whose licence
 * stands in data/LICENSE.faker and begins:
 *
${licence.split('\n').map((l) => (l ? ` * ${l}` : ' *')).join('\n')}
 */
#include "relations.h"

#include "words.h"
`];
const table = [];
for (const [name, [words, limit]] of Object.entries(lists))
{
	const picked = pick(words, limit);
	let text = `static const char *const ${name}[] = {\n`;
	let line = '\t';
	for (const word of picked)
	{
		const piece = `"${word}", `;
		if (line.length + piece.length > 100)
		{
			text += `${line.trimEnd()}\n`;
			line = '\t';
		}
		line += piece;
	}
	out.push(`${text}${line.trimEnd()}\n};\n`);
	table.push(`\t[WORDS_${name.toUpperCase()}] = {${name}, lengthof(${name})},`);
}
out.push(`const WordList word_lists[] = {\n${table.join('\n')}\n};`);
console.log(out.join('\n'));
